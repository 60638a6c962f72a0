"""The engines that execute runs: this machine, a Ray cluster, or a Slurm cluster through submitit.

Each engine is a generator that starts the runs in order and yields each run with its outcome when it ends. When the
event `stop` is set, the running ones are saved and stopped, and no others start.
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
    """Execute runs on this machine, `jobs` at a time. The default is one per GPU, or one on the CPU."""
    named = os.environ.get('CUDA_VISIBLE_DEVICES', ','.join(map(str, range(torch.cuda.device_count()))))
    gpus = [name for name in named.split(',') if name.strip()] if torch.cuda.is_available() else []
    jobs = jobs or len(gpus) or 1
    slots: SimpleQueue[dict[str, str]] = SimpleQueue()
    for job in range(jobs):
        # on the CPU, the jobs share the cores; otherwise torch would use all cores for each job
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
            stop.set()  # if the caller stops iterating


def run_on_ray(specs: Sequence[RunSpec], stop: Event, **options: Any) -> Ends:
    """Execute runs as tasks of a Ray cluster; all machines need access to the same folders.

    If the machine of a task dies, Ray starts the task again, and it continues from its last checkpoint. Options are the
    resources of a task (TASK_OPTIONS; by default one CPU, and one GPU if the cluster has any) and those of `ray.init`,
    such as `address='auto'`. Without an address, a temporary cluster is started on this machine.
    """
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')  # no usage statistics are sent
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
        yield from _follow(tasks, stop, lambda task: ray.cancel(ref_of[task]))  # raises KeyboardInterrupt in the task
    finally:
        ray.shutdown()


def run_on_slurm(specs: Sequence[RunSpec], stop: Event, cluster: str = 'slurm', **options: Any) -> Ends:
    """Execute runs as a Slurm job array; all machines need access to the same folders.

    A job that is preempted or reaches its time limit saves and is queued again. Options are those of submitit's
    `AutoExecutor.update_parameters`, such as `slurm_partition='gpu', gpus_per_node=1, timeout_min=600,
    slurm_array_parallelism=8`, and `cluster`: 'slurm', or 'local' for submitit's local mode, which starts all runs at
    once on this machine.
    """
    import submitit

    class Job(submitit.helpers.Checkpointable):
        """A run that continues in another job if it is preempted or reaches its time limit."""

        def __call__(self, spec: RunSpec) -> Outcome:
            return _execute_as_task(spec)

    executor = submitit.AutoExecutor(specs[0].work_dir / 'submitit', cluster=cluster)
    executor.update_parameters(name='reproduce', **options)
    with executor.batch():
        jobs = [executor.submit(Job(), spec) for spec in specs]
    tasks = dict(zip(jobs, specs, strict=True))
    yield from _follow(tasks, stop, lambda job: job.cancel(check=False))


def _execute_as_task(spec: RunSpec) -> Outcome:
    # tasks are cancelled with SIGINT, which is ignored in a cluster that a script has started with `&`
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(spec.cwd)
    return execute(spec, Event(), {})  # the cluster has set CUDA_VISIBLE_DEVICES and OMP_NUM_THREADS


def _follow(tasks: dict[Any, RunSpec], stop: Event, cancel: Callable[[Any], None]) -> Ends:
    """Yield the outcomes of a cluster's tasks, which have `done()` and `result()`; `cancel` stops a task."""
    cancelled = False
    while tasks:
        for task in [task for task in tasks if task.done()]:
            try:
                outcome = task.result()
            except Exception as error:  # cancelled, or the machine was lost; a run's own errors are in its outcome
                outcome = Outcome(STOPPED, '' if cancelled else str(error))
            yield tasks.pop(task), outcome
        if stop.is_set() and not cancelled:
            cancelled = True
            for task in tasks:
                cancel(task)
        time.sleep(1)


ENGINES: dict[str, Callable[..., Ends]] = {'local': run_here, 'ray': run_on_ray, 'slurm': run_on_slurm}
