"""Executes all runs of a command: on this machine, on a Ray cluster, or on a Slurm cluster through submitit.

Each engine is a generator that starts the runs in order and yields each run with its outcome when it ends. When the
event `stop` is set, the running ones are saved and stopped, and no others start.
"""

import os
import signal
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import Any

import torch
from mmengine.config import DictAction
from rich.progress import Progress

from ..engine import EXIT_TRY_AGAIN
from ..engine.speed import warn_of_slow_amp
from .execute import Outcome, execute
from .plan import RunSpec, check_settings, make_specs, state
from .record import BUSY, FAILED, FINISHED, STOPPED, cores
from .report import write_report

Outcomes = Iterator[tuple[RunSpec, Outcome]]
TASK_OPTIONS = ('num_cpus', 'num_gpus', 'memory', 'resources', 'scheduling_strategy', 'max_retries')


def run_here(specs: Sequence[RunSpec], stop: Event, jobs: int | None = None) -> Outcomes:
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


def run_on_ray(specs: Sequence[RunSpec], stop: Event, **options: Any) -> Outcomes:
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


def run_on_slurm(specs: Sequence[RunSpec], stop: Event, cluster: str = 'slurm', **options: Any) -> Outcomes:
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


def _follow(tasks: dict[Any, RunSpec], stop: Event, cancel: Callable[[Any], None]) -> Outcomes:
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


ENGINES: dict[str, Callable[..., Outcomes]] = {'local': run_here, 'ray': run_on_ray, 'slurm': run_on_slurm}


def run_and_report(configs: Sequence[Path], tools: Path, args: Namespace, baseline: str = '', data: str = '') -> int:
    """Run configs with each seed, write the report on them and return the exit code.

    `args` are those of the parser `lcv_mm_cli.runs_parser`. `RunSpec` explains `tools` and `data`, `write_report`
    explains `baseline`.
    """
    code = 0
    if not args.report_only:
        seeds = [0, 1, 2] if args.seeds is None else args.seeds
        specs = make_specs(configs, seeds, args.work_dir, tools, args.cfg_options, args.amp, data)
        for spec in specs:
            check_settings(spec)
        if args.amp and args.engine == 'local':
            warn_of_slow_amp()
        print(f'{len(specs)} runs in {args.work_dir}')
        if args.dry_run:
            print(*(f'{spec}: {state(spec)}' for spec in specs), sep='\n')
            return 0
        options = (option.partition('=') for option in args.engine_options)
        code = run_all(specs, args.engine, {key: DictAction._parse_iterable(text) for key, _, text in options})
    names = [config.stem for config in configs]
    print(f'Report: {write_report(args.work_dir, names, args.seeds, baseline=baseline, out=args.out)}')
    return code


def run_all(specs: Sequence[RunSpec], engine: str, options: Mapping[str, Any]) -> int:
    """Execute runs with one of ENGINES, print how each ended, and return the exit code.

    It is 0 if all have finished, 75 if some were stopped or are trained by another process, otherwise 1.
    """
    counts: Counter[str] = Counter()
    stop = Event()

    def on_signal(number: int, frame: Any) -> None:
        stop.set()
        progress.console.print(f'{signal.Signals(number).name}: saving and stopping; run the command again to continue')

    with Progress() as progress, ExitStack() as afterwards:
        for number in (signal.SIGINT, signal.SIGTERM):
            afterwards.callback(signal.signal, number, signal.signal(number, on_signal))
        for spec, outcome in progress.track(ENGINES[engine](specs, stop, **options), len(specs), description='Runs'):
            counts[outcome.status] += 1
            line = f'{spec}: {outcome.status}{f", {outcome.message}" if outcome.message else ""}'
            progress.console.print(line, highlight=False, markup=False, soft_wrap=True)
    print(', '.join(f'{counts[status]} {status}' for status in (FINISHED, FAILED, STOPPED, BUSY) if counts[status]))
    if counts[STOPPED] or counts[BUSY]:
        return EXIT_TRY_AGAIN
    return 1 if counts[FAILED] else 0
