"""Where runs are executed: on this machine, on a Ray cluster, on a Slurm cluster through submitit.

Each engine is a generator, called with

    specs (Sequence[RunSpec]): The runs, started in this order.
    stop (Event): Once it is set, the runs under way are saved and stopped, and no more are started.
    options (Mapping[str, Any]): Its own.

It yields each run as it ends, with its outcome. What is wrong with its options it raises as ConfigError.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from queue import SimpleQueue
from threading import Event
from typing import Any

import torch

from ..errors import ConfigError
from .execute import Outcome, execute
from .plan import RunSpec
from .processes import ProcessPool
from .record import STOPPED, cores

Ends = Iterator[tuple[RunSpec, Outcome]]
TASK_OPTIONS = ('num_cpus', 'num_gpus', 'memory', 'resources', 'scheduling_strategy', 'max_retries')


def run_here(specs: Sequence[RunSpec], stop: Event, options: Mapping[str, Any]) -> Ends:
    """Execute runs on this machine; options: `jobs`, how many at a time, by default one for each GPU or on the CPU."""
    named = os.environ.get('CUDA_VISIBLE_DEVICES', ','.join(map(str, range(torch.cuda.device_count()))))
    gpus = [name for name in named.split(',') if name.strip()] if torch.cuda.is_available() else []
    jobs = options.get('jobs', len(gpus) or 1)
    if options.keys() - {'jobs'} or not isinstance(jobs, int) or jobs < 1:
        raise ConfigError(
            f'--engine-options {dict(options)}: expected jobs=N, how many runs at a time, 1 or more; set that alone'
        )
    slots: SimpleQueue[dict[str, str]] = SimpleQueue()
    for job in range(jobs):
        # on the CPU the jobs share the cores: torch would take all of them for each
        threads = {'OMP_NUM_THREADS': str(max(cores() // jobs, 1))}
        slots.put({'CUDA_VISIBLE_DEVICES': gpus[job % len(gpus)]} if gpus else threads)
    pool = ProcessPool()

    def in_a_slot(spec: RunSpec) -> Outcome:
        slot = slots.get()
        try:
            return execute(spec, pool, slot)
        finally:
            slots.put(slot)

    with ThreadPoolExecutor(jobs) as threads_of_jobs:
        tasks = {threads_of_jobs.submit(in_a_slot, spec): spec for spec in specs}
        try:
            yield from _follow(tasks, stop, pool.stop)
        finally:
            pool.stop()
            threads_of_jobs.shutdown(cancel_futures=True)


def _follow(tasks: dict[Any, RunSpec], stop: Event, cancel: Callable[[], object]) -> Ends:
    """Yield the outcomes of tasks, which have `done()` and `result()`, as engines do; `cancel` stops all of them."""
    cancelled = False
    while tasks:
        ended = [task for task in tasks if task.done()]
        for task in ended:
            spec = tasks.pop(task)
            try:
                outcome = task.result()
            except (
                Exception
            ) as error:  # not of the run, whose errors are its outcome: cancelled, or its machine is gone
                outcome = Outcome(STOPPED, '' if cancelled else str(error))
            yield spec, outcome
        if not ended:
            time.sleep(1)
        if stop.is_set() and not cancelled:
            cancelled = True
            cancel()


def run_on_ray(specs: Sequence[RunSpec], stop: Event, options: Mapping[str, Any]) -> Ends:
    """Execute runs as tasks of Ray, which decides where and when; every machine needs the same folders.

    A task whose machine dies is started again by Ray, and goes on from its last checkpoint. Options: what a task needs
    (TASK_OPTIONS; by default one CPU, and one GPU where there are any), and those of `ray.init`, like `address=auto`;
    without an address a cluster of this machine's cores and GPUs is started, and ended afterwards.
    """
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')  # nothing is sent anywhere
    ray = _imported('ray', extra='ray')
    task = {key: value for key, value in options.items() if key in TASK_OPTIONS}
    cluster = {key: value for key, value in options.items() if key not in TASK_OPTIONS}
    if 'address' not in cluster:
        cluster.setdefault('include_dashboard', False)
    try:
        ray.init(**{'log_to_driver': False, 'logging_level': 'warning', **cluster})
    except (TypeError, ValueError, RuntimeError, ConnectionError) as error:
        raise ConfigError(
            f'--engine-options {dict(options)}: ray.init says: {error}; expected its options, or those of tasks'
        ) from error
    try:
        task.setdefault('num_gpus', 1 if ray.cluster_resources().get('GPU') else 0)
        remote = ray.remote(**task)(_as_ray_task)
        refs = [remote.remote(spec) for spec in specs]

        def cancel() -> None:
            for ref in refs:
                ray.cancel(ref, force=False)  # the task gets a KeyboardInterrupt

        yield from _follow({ref.future(): spec for ref, spec in zip(refs, specs, strict=True)}, stop, cancel)
    finally:
        ray.shutdown()


def _as_ray_task(spec: RunSpec) -> Outcome:
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
            f'--engine slurm --engine-options {dict(options)}: submitit says: {error}; expected its parameters on a '
            'machine that has sbatch, or cluster=local'
        ) from error
    with executor.batch():
        jobs = [executor.submit(_SlurmJob(), spec) for spec in specs]

    def cancel() -> None:
        for job in jobs:
            job.cancel(check=False)

    yield from _follow(dict(zip(jobs, specs, strict=True)), stop, cancel)


class _SlurmJob:
    """A run as submitit sends it to a machine. If it is preempted or its time is up, another job continues it."""

    def __call__(self, spec: RunSpec) -> Outcome:
        return _as_task(spec)

    def checkpoint(self, spec: RunSpec) -> Any:
        return import_module('submitit').helpers.DelayedSubmission(self, spec)


def _as_task(spec: RunSpec) -> Outcome:
    os.chdir(spec.cwd)
    return execute(spec, ProcessPool(), {})  # the cluster has set CUDA_VISIBLE_DEVICES and OMP_NUM_THREADS


def _imported(name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"--engine {extra}: {name} is not installed; expected that package: pip install -e '.[{extra}]'"
        ) from error


ENGINES: dict[str, Callable[[Sequence[RunSpec], Event, Mapping[str, Any]], Ends]] = {
    'local': run_here,
    'ray': run_on_ray,
    'slurm': run_on_slurm,
}
