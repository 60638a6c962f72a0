"""The runs on a Ray cluster, a task each."""

import os
from collections.abc import Iterator, Mapping, Sequence
from threading import Event
from typing import Any

from ..errors import ConfigError
from .child import Children, take_interrupts
from .execute import STOPPED, execute
from .run_spec import RunSpec

OF_TASKS = ('num_cpus', 'num_gpus', 'memory', 'resources', 'scheduling_strategy', 'max_retries')


def run_on_ray(
    specs: Sequence[RunSpec], stop: Event, options: Mapping[str, Any]
) -> Iterator[tuple[RunSpec, str] | None]:
    """Execute runs as tasks of Ray, which decides where and when; every machine needs the same folders.

    A task whose machine dies is started again by Ray, and goes on from its last checkpoint.

    Args:
        specs (Sequence[RunSpec]): The runs.
        stop (Event): Once it is set, the runs under way are saved and stopped, and no more are started.
        options (Mapping[str, Any]): What a task needs, as `ray.remote` takes it (OF_TASKS; by default one CPU, and one
            GPU where the cluster has any); all others are of `ray.init`, such as `address=auto`. Without an address a
            cluster of this machine's cores and GPUs is started, and ended afterwards.

    Yields:
        tuple[RunSpec, str] | None: Each run as it ends, with what `execute` says of it; None about once a second.

    Raises:
        ConfigError: If Ray is not installed, or does not take the options.
    """
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')  # nothing is sent anywhere
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            "--engine ray: Ray is not installed; expected the package 'ray': pip install -e '.[ray]'"
        ) from error
    task = {key: value for key, value in options.items() if key in OF_TASKS}
    cluster = {key: value for key, value in options.items() if key not in OF_TASKS}
    if 'address' not in cluster:
        cluster['include_dashboard'] = False
    try:
        ray.init(log_to_driver=False, **{'logging_level': 'warning', **cluster})
    except (TypeError, ValueError, RuntimeError, ConnectionError) as error:
        given = ' '.join(f'{key}={value}' for key, value in options.items())
        raise ConfigError(
            f'--engine-options {given}: ray.init says: {error}; expected options of it or of tasks'
        ) from error
    try:
        task.setdefault('num_gpus', 1 if ray.cluster_resources().get('GPU') else 0)
        remote = ray.remote(**task)(_execute)
        pending = {remote.remote(spec): spec for spec in specs}
        told = False
        while pending:
            done, _ = ray.wait(list(pending), timeout=1)
            for ref in done:
                yield pending.pop(ref), _outcome(ref)
            if not done:
                yield None
            if stop.is_set() and not told:
                told = True
                for ref in pending:
                    ray.cancel(ref, force=False)  # raises KeyboardInterrupt in the task
    finally:
        ray.shutdown()


def _execute(spec: RunSpec) -> str:
    take_interrupts()
    return execute(spec, Children(), {})  # Ray has set CUDA_VISIBLE_DEVICES and OMP_NUM_THREADS


def _outcome(ref: Any) -> str:
    import ray

    try:
        return ray.get(ref)
    except ray.exceptions.RayTaskError:
        raise  # of our own code
    except ray.exceptions.RayError as error:  # cancelled before it began, or its machine is gone for good
        if not isinstance(error, ray.exceptions.TaskCancelledError):
            print(f'Ray: {error}')
        return STOPPED
