"""Where runs are executed: on this machine, on a Ray cluster, on a Slurm cluster through submitit.

Each engine is a generator, called with

    specs (Sequence[RunSpec]): The runs, started in this order.
    stop (Event): Once it is set, the runs under way are saved and stopped, and no more are started.
    options (Mapping[str, Any]): Its own.

that yields each run as it ends, with what `execute` says of it, and None about once a second. What is wrong with its
options it raises as ConfigError.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from threading import Event
from typing import Any

import torch

from ..errors import ConfigError
from .execute import STOPPED, execute
from .plan import RunSpec
from .processes import Children, take_interrupts
from .record import cores

Ends = Iterator[tuple[RunSpec, str] | None]
OF_TASKS = ('num_cpus', 'num_gpus', 'memory', 'resources', 'scheduling_strategy', 'max_retries')


def run_here(specs: Sequence[RunSpec], stop: Event, options: Mapping[str, Any]) -> Ends:
    """Execute runs on this machine; options: `jobs`, how many at a time, by default one for each GPU or on the CPU."""
    gpus = _gpus()
    jobs = options.get('jobs', len(gpus) or 1)
    if options.keys() - {'jobs'} or not isinstance(jobs, int) or jobs < 1:
        raise ConfigError(
            f'--engine-options {_given(options)}: expected jobs=N, how many runs at a time, 1 or more; set that alone'
        )
    slots: SimpleQueue[dict[str, str]] = SimpleQueue()
    for job in range(jobs):
        # on the CPU the jobs share the cores: torch would take all of them for each
        slots.put(
            {'CUDA_VISIBLE_DEVICES': gpus[job % len(gpus)]}
            if gpus
            else {'OMP_NUM_THREADS': str(max(cores() // jobs, 1))}
        )
    children = Children()

    def in_a_slot(spec: RunSpec) -> str:
        slot = slots.get()
        try:
            return execute(spec, children, slot)
        finally:
            slots.put(slot)

    with ThreadPoolExecutor(jobs) as pool:
        pending: dict[Future[str], RunSpec] = {pool.submit(in_a_slot, spec): spec for spec in specs}
        try:
            while pending:
                done, _ = wait(pending, timeout=1, return_when=FIRST_COMPLETED)
                for future in done:
                    yield pending.pop(future), future.result()
                if not done:
                    yield None
                if stop.is_set():
                    children.stop()
        finally:
            children.stop()
            pool.shutdown(cancel_futures=True)


def _gpus() -> list[str]:
    """The GPUs this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get('CUDA_VISIBLE_DEVICES')
    if named is not None:
        return [name for name in named.split(',') if name.strip()] if torch.cuda.is_available() else []
    return [str(index) for index in range(torch.cuda.device_count())]


def run_on_ray(specs: Sequence[RunSpec], stop: Event, options: Mapping[str, Any]) -> Ends:
    """Execute runs as tasks of Ray, which decides where and when; every machine needs the same folders.

    A task whose machine dies is started again by Ray, and goes on from its last checkpoint. Options: what a task needs,
    as `ray.remote` takes it (OF_TASKS; by default one CPU, and one GPU where the cluster has any); all others are those
    of `ray.init`, such as `address=auto`. Without an address a cluster of this machine's cores and GPUs is started, and
    ended afterwards.
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
        raise ConfigError(
            f'--engine-options {_given(options)}: ray.init says: {error}; expected its options, or those of tasks'
        ) from error
    try:
        task.setdefault('num_gpus', 1 if ray.cluster_resources().get('GPU') else 0)
        remote = ray.remote(**task)(_as_ray_task)
        pending = {remote.remote(spec): spec for spec in specs}
        told = False
        while pending:
            done, _ = ray.wait(list(pending), timeout=1)
            for ref in done:
                yield pending.pop(ref), _ray_outcome(ref)
            if not done:
                yield None
            if stop.is_set() and not told:
                told = True
                for ref in pending:
                    ray.cancel(ref, force=False)  # raises KeyboardInterrupt in the task
    finally:
        ray.shutdown()


def _as_ray_task(spec: RunSpec) -> str:
    take_interrupts()
    return execute(spec, Children(), {})  # Ray has set CUDA_VISIBLE_DEVICES and OMP_NUM_THREADS


def _ray_outcome(ref: Any) -> str:
    import ray

    try:
        return ray.get(ref)
    except ray.exceptions.RayTaskError:
        raise  # of our own code
    except ray.exceptions.RayError as error:  # cancelled before it began, or its machine is gone for good
        if not isinstance(error, ray.exceptions.TaskCancelledError):
            print(f'Ray: {error}')
        return STOPPED


def run_on_slurm(specs: Sequence[RunSpec], stop: Event, options: Mapping[str, Any]) -> Ends:
    """Execute runs as an array of Slurm's jobs; every machine needs the same folders.

    A job whose time is up or that is preempted saves and is queued again. Options: those of submitit's
    `AutoExecutor.update_parameters`, such as `slurm_partition=gpu gpus_per_node=1 timeout_min=600
    slurm_array_parallelism=8`; and `cluster`, 'slurm', or 'local' for submitit's local mode: all runs at once on this
    machine.
    """
    try:
        import submitit
    except ImportError as error:
        raise ConfigError(
            "--engine slurm: submitit is not installed; expected the package 'submitit': pip install -e '.[slurm]'"
        ) from error
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
        jobs = [executor.submit(SlurmJob(spec)) for spec in specs]
    pending = dict(enumerate(specs))
    told = False
    while pending:
        ended = [place for place in pending if jobs[place].done()]
        for place in ended:
            yield pending.pop(place), _slurm_outcome(jobs[place])
        if not ended:
            time.sleep(1)
            yield None
        if stop.is_set() and not told:
            told = True
            for place in pending:
                jobs[place].cancel(check=False)


class SlurmJob:
    """A run as submitit sends it to a machine.

    Args:
        spec (RunSpec): The run.
    """

    def __init__(self, spec: RunSpec) -> None:
        self.spec = spec

    def __call__(self) -> str:
        """Execute the run."""
        return execute(self.spec, Children(), {})

    def checkpoint(self) -> Any:
        """Called by submitit when the job's time is up or it is preempted: the same again, which goes on."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _slurm_outcome(job: Any) -> str:
    from submitit.core.utils import FailedJobError, UncompletedJobError

    try:
        return job.result()
    except FailedJobError:
        raise  # of our own code
    except UncompletedJobError as error:  # cancelled, or its machine is gone
        print(f'Slurm, job {job.job_id}: {str(error).splitlines()[0]}; its log: {job.paths.stderr}')
        return STOPPED


def _given(options: Mapping[str, Any]) -> str:
    return ' '.join(f'{key}={value}' for key, value in options.items())


ENGINES: dict[str, Callable[[Sequence[RunSpec], Event, Mapping[str, Any]], Ends]] = {
    'local': run_here,
    'ray': run_on_ray,
    'slurm': run_on_slurm,
}
