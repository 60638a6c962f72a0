"""Where runs are executed: on this machine, on a Ray cluster, on a Slurm cluster through submitit.

Each engine is a generator, called with

    specs (Sequence[RunSpec]): The runs, started in this order.
    stop (Event): Once it is set, the runs under way are saved and stopped, and no more are started.
    options (Mapping[str, Any]): Its own.

that yields each run as it ends, with what `execute` says of it, and None about once a second. What is wrong with its
options it raises as ConfigError.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from importlib import import_module
from operator import methodcaller
from queue import SimpleQueue
from threading import Event
from typing import Any

import torch

from ..errors import ConfigError
from .execute import STOPPED, execute
from .plan import RunSpec
from .processes import Children
from .record import FAILED, cores

Ends = Iterator[tuple[RunSpec, str] | None]
OF_TASKS = ('num_cpus', 'num_gpus', 'memory', 'resources', 'scheduling_strategy', 'max_retries')


def run_here(specs: Sequence[RunSpec], stop: Event, options: Mapping[str, Any]) -> Ends:
    """Execute runs on this machine; options: `jobs`, how many at a time, by default one for each GPU or on the CPU."""
    named = os.environ.get('CUDA_VISIBLE_DEVICES', ','.join(map(str, range(torch.cuda.device_count()))))
    gpus = [name for name in named.split(',') if name.strip()] if torch.cuda.is_available() else []
    jobs = options.get('jobs', len(gpus) or 1)
    if options.keys() - {'jobs'} or not isinstance(jobs, int) or jobs < 1:
        raise ConfigError(
            f'--engine-options {_given(options)}: expected jobs=N, how many runs at a time, 1 or more; set that alone'
        )
    slots: SimpleQueue[dict[str, str]] = SimpleQueue()
    for job in range(jobs):
        # on the CPU the jobs share the cores: torch would take all of them for each
        threads = {'OMP_NUM_THREADS': str(max(cores() // jobs, 1))}
        slots.put({'CUDA_VISIBLE_DEVICES': gpus[job % len(gpus)]} if gpus else threads)
    children = Children()

    def in_a_slot(spec: RunSpec) -> str:
        slot = slots.get()
        try:
            return execute(spec, children, slot)
        finally:
            slots.put(slot)

    with ThreadPoolExecutor(jobs) as pool:
        pending = {pool.submit(in_a_slot, spec): spec for spec in specs}
        try:
            yield from _follow(pending, stop, Future.done, Future.result, lambda _: children.stop())
        finally:
            children.stop()
            pool.shutdown(cancel_futures=True)


def _follow(
    pending: dict[Any, RunSpec],
    stop: Event,
    done: Callable[[Any], bool],
    result: Callable[[Any], str],
    cancel: Callable[[Any], object],
    errors: tuple[type[Exception], type[Exception]] = (Exception, Exception),
) -> Ends:
    """What every engine yields, given its handle of each run, what to ask of one (once a second), and its errors.

    The first is one of our own code; any other of the second says that a run was cancelled or its machine is gone.
    """
    told = False
    while pending:
        ended = [handle for handle in pending if done(handle)]
        for handle in ended:
            spec, outcome = pending.pop(handle), STOPPED
            try:
                outcome = result(handle)
            except errors[0] as error:  # of our own code, or of a full disk: the other runs go on
                print(f'{spec.name}: {type(error).__name__}: {error}')
                outcome = FAILED
            except errors[1] as error:
                if not told:
                    print(f'{spec.name}: {error}')
            yield spec, outcome
        if not ended:
            time.sleep(1)
            yield None
        if stop.is_set() and not told:
            told = True
            for handle in pending:
                cancel(handle)


def run_on_ray(specs: Sequence[RunSpec], stop: Event, options: Mapping[str, Any]) -> Ends:
    """Execute runs as tasks of Ray, which decides where and when; every machine needs the same folders.

    A task whose machine dies is started again by Ray, and goes on from its last checkpoint. Options: what a task needs
    (OF_TASKS; by default one CPU, and one GPU where there are any), and those of `ray.init`, such as `address=auto`;
    without an address a cluster of this machine's cores and GPUs is started, and ended afterwards.
    """
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')  # nothing is sent anywhere
    ray = _imported('ray', extra='ray')
    task = {key: value for key, value in options.items() if key in OF_TASKS}
    cluster = {key: value for key, value in options.items() if key not in OF_TASKS}
    if 'address' not in cluster:
        cluster.setdefault('include_dashboard', False)
    try:
        ray.init(**{'log_to_driver': False, 'logging_level': 'warning', **cluster})
    except (TypeError, ValueError, RuntimeError, ConnectionError) as error:
        raise ConfigError(
            f'--engine-options {_given(options)}: ray.init says: {error}; expected its options, or those of tasks'
        ) from error
    try:
        task.setdefault('num_gpus', 1 if ray.cluster_resources().get('GPU') else 0)
        remote = ray.remote(**task)(_as_ray_task)
        pending = {remote.remote(spec): spec for spec in specs}
        # a cancelled task gets a KeyboardInterrupt
        ask = (lambda ref: bool(ray.wait([ref], timeout=0)[0])), ray.get, partial(ray.cancel, force=False)
        yield from _follow(pending, stop, *ask, (ray.exceptions.RayTaskError, ray.exceptions.RayError))
    finally:
        ray.shutdown()


def _as_ray_task(spec: RunSpec) -> str:
    # Ray cancels a task with SIGINT, which a cluster that a script has started with `&` ignores
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return _as_task(spec)


def run_on_slurm(specs: Sequence[RunSpec], stop: Event, options: Mapping[str, Any]) -> Ends:
    """Execute runs as an array of Slurm's jobs; every machine needs the same folders.

    A job whose time is up or that is preempted saves and is queued again. Options: those of submitit's
    `AutoExecutor.update_parameters`, such as `slurm_partition=gpu gpus_per_node=1 timeout_min=600
    slurm_array_parallelism=8`; and `cluster`, 'slurm', or 'local' for submitit's local mode: all runs at once on this
    machine.
    """
    submitit = _imported('submitit', extra='slurm')
    parameters = dict(options)
    cluster = parameters.pop('cluster', 'slurm')
    try:
        executor = submitit.AutoExecutor(specs[0].work_dir / 'submitit', cluster=cluster)
        executor.update_parameters(name='reproduce', **parameters)
    except (ValueError, RuntimeError, NameError, TypeError) as error:
        raise ConfigError(
            f'--engine slurm --engine-options {_given(options)}: submitit says: {error}; expected its parameters on a '
            'machine that has sbatch, or cluster=local'
        ) from error
    with executor.batch():
        jobs = [executor.submit(_slurm_job(spec)) for spec in specs]
    pending = dict(zip(jobs, specs, strict=True))
    ask = methodcaller('done'), lambda job: job.result()[0], methodcaller('cancel', check=False)
    errors = submitit.core.utils.FailedJobError, submitit.core.utils.UncompletedJobError
    yield from _follow(pending, stop, *ask, errors)


def _slurm_job(spec: RunSpec) -> Any:
    """A run as submitit sends it to a machine; when its time is up or it is preempted, it goes on in another."""
    from submitit.helpers import FunctionSequence

    job = FunctionSequence()
    job.add(_as_task, spec)
    return job


def _as_task(spec: RunSpec) -> str:
    return execute(spec, Children(), {})  # the cluster has set CUDA_VISIBLE_DEVICES and OMP_NUM_THREADS


def _imported(name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"--engine {extra}: {name} is not installed; expected that package: pip install -e '.[{extra}]'"
        ) from error


def _given(options: Mapping[str, Any]) -> str:
    return ' '.join(f'{key}={value}' for key, value in options.items())


ENGINES: dict[str, Callable[[Sequence[RunSpec], Event, Mapping[str, Any]], Ends]] = {
    'local': run_here,
    'ray': run_on_ray,
    'slurm': run_on_slurm,
}
