"""Where runs are executed: on this machine, on a Ray cluster, on a Slurm cluster through submitit.

Each engine is a generator. It starts the runs in the given order, and yields each as it ends, with its outcome. Once
the event `stop` is set, the runs under way are saved and stopped, and no more are started.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue
from threading import Event
from typing import Any

import torch

from .execute import Outcome, execute
from .plan import RunSpec
from .record import STOPPED, cores

Ends = Iterator[tuple[RunSpec, Outcome]]
TASK_OPTIONS = ('num_cpus', 'num_gpus', 'memory', 'resources', 'scheduling_strategy', 'max_retries')


def run_here(specs: Sequence[RunSpec], stop: Event, jobs: int | None = None) -> Ends:
    """Execute runs on this machine, `jobs` at a time: by default one for each GPU, or one on the CPU."""
    named = os.environ.get('CUDA_VISIBLE_DEVICES', ','.join(map(str, range(torch.cuda.device_count()))))
    gpus = [name for name in named.split(',') if name.strip()] if torch.cuda.is_available() else []
    jobs = jobs or len(gpus) or 1
    slots: SimpleQueue[dict[str, str]] = SimpleQueue()
    for job in range(jobs):
        # on the CPU the jobs share the cores: torch would take all of them for each
        threads = {'OMP_NUM_THREADS': str(max(cores() // jobs, 1))}
        slots.put({'CUDA_VISIBLE_DEVICES': gpus[job % len(gpus)]} if gpus else threads)

    def execute_in_slot(spec: RunSpec) -> Outcome:
        slot = slots.get()
        try:
            return execute(spec, stop, slot)
        finally:
            slots.put(slot)

    with ThreadPoolExecutor(jobs) as pool:
        tasks = {pool.submit(execute_in_slot, spec): spec for spec in specs}
        try:
            for task in as_completed(tasks):
                yield tasks[task], task.result()
        finally:
            stop.set()  # where the caller reads no further


def run_on_ray(specs: Sequence[RunSpec], stop: Event, **options: Any) -> Ends:
    """Execute runs as tasks of Ray, which decides where and when; every machine needs the same folders.

    A task whose machine dies is started again by Ray, and goes on from its last checkpoint. Options: what a task needs
    (TASK_OPTIONS; by default one CPU, and one GPU where there are any), and those of `ray.init`, like `address='auto'`;
    without an address a cluster of this machine's cores and GPUs is started, and ended afterwards.
    """
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')  # nothing is sent anywhere
    import ray

    task = {key: options.pop(key) for key in TASK_OPTIONS if key in options}
    if 'address' not in options:
        options.setdefault('include_dashboard', False)
    ray.init(**{'log_to_driver': False, 'logging_level': 'warning', **options})
    try:
        task.setdefault('num_gpus', 1 if ray.cluster_resources().get('GPU') else 0)
        refs = [ray.remote(**task)(_execute_as_task).remote(spec) for spec in specs]
        ref_of = {ref.future(): ref for ref in refs}
        tasks = dict(zip(ref_of, specs, strict=True))
        yield from _follow(tasks, stop, lambda task: ray.cancel(ref_of[task]))  # it gets a KeyboardInterrupt
    finally:
        ray.shutdown()


def run_on_slurm(specs: Sequence[RunSpec], stop: Event, cluster: str = 'slurm', **options: Any) -> Ends:
    """Execute runs as an array of Slurm's jobs; every machine needs the same folders.

    A job whose time is up or that is preempted saves and is queued again. Options: those of submitit's
    `AutoExecutor.update_parameters`, such as `slurm_partition='gpu', gpus_per_node=1, timeout_min=600,
    slurm_array_parallelism=8`; and `cluster`, 'slurm', or 'local' for submitit's local mode: all runs at once on this
    machine.
    """
    import submitit

    class Job(submitit.helpers.Checkpointable):
        """A run. If it is preempted or its time is up, another job continues it."""

        def __call__(self, spec: RunSpec) -> Outcome:
            return _execute_as_task(spec)

    executor = submitit.AutoExecutor(specs[0].work_dir / 'submitit', cluster=cluster)
    executor.update_parameters(name='reproduce', **options)
    with executor.batch():
        jobs = [executor.submit(Job(), spec) for spec in specs]
    tasks = dict(zip(jobs, specs, strict=True))
    yield from _follow(tasks, stop, lambda job: job.cancel(check=False))


def _execute_as_task(spec: RunSpec) -> Outcome:
    # a task is cancelled with SIGINT, which a cluster that a script has started with `&` ignores
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(spec.cwd)
    return execute(spec, Event(), {})  # the cluster has set CUDA_VISIBLE_DEVICES and OMP_NUM_THREADS


def _follow(tasks: dict[Any, RunSpec], stop: Event, cancel: Callable[[Any], None]) -> Ends:
    """Yield the outcomes of a cluster's tasks, which have `done()` and `result()`; `cancel` stops one."""
    cancelled = False
    while tasks:
        for task in [task for task in tasks if task.done()]:
            try:
                outcome = task.result()
            except Exception as error:  # cancelled, or its machine is gone: a run's own errors are its outcome
                outcome = Outcome(STOPPED, '' if cancelled else str(error))
            yield tasks.pop(task), outcome
        if stop.is_set() and not cancelled:
            cancelled = True
            for task in tasks:
                cancel(task)
        time.sleep(1)


ENGINES: dict[str, Callable[..., Ends]] = {'local': run_here, 'ray': run_on_ray, 'slurm': run_on_slurm}
