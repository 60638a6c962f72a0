"""All runs of a command through an engine, with progress."""

import signal
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

from mmengine.config import DictAction
from rich.progress import Progress

from ..engine import EXIT_TRY_AGAIN
from ..engine.speed import warn_of_slow_amp
from ..visualization import last_epoch
from .engines import ENGINES
from .plan import RunSpec, make_specs, print_plan, run_lengths
from .record import BUSY, FAILED, FINISHED, STOPPED
from .report import write_report


def run_and_report(configs: Sequence[Path], tools: Path, args: Namespace, baseline: str = '', data: str = '') -> int:
    """Run configs with each seed and write the report on them.

    Args:
        configs (Sequence[Path]): The configs.
        tools (Path): Folder of train.py and test.py.
        args (Namespace): What the parser `lcv_mm_cli.runs_parser` has read.
        baseline (str): See `write_report`.
        data (str): Folder of images that all are trained on. Defaults to '': their own datasets.

    Returns:
        int: The exit code.
    """
    code = 0
    if not args.report_only:
        seeds = [0, 1, 2] if args.seeds is None else args.seeds
        specs = make_specs(configs, seeds, args.work_dir, tools, args.cfg_options, args.amp, data)
        lengths = run_lengths(specs)
        if args.amp and args.engine == 'local':
            warn_of_slow_amp()
        if args.dry_run:
            print_plan(specs)
            return 0
        options = (option.partition('=') for option in args.engine_options)
        code = run_all(specs, lengths, args.engine, {key: DictAction._parse_iterable(text) for key, _, text in options})
    names = [config.stem for config in configs]
    print(f'Report: {write_report(args.work_dir, names, args.seeds, baseline=baseline, out=args.out)}')
    return code


def run_all(specs: Sequence[RunSpec], lengths: Sequence[int], engine: str, options: Mapping[str, Any]) -> int:
    """Execute runs and print how each ended; the progress bar goes by the epochs that each trains.

    Args:
        specs (Sequence[RunSpec]): The runs.
        lengths (Sequence[int]): Epochs of each.
        engine (str): One of ENGINES.
        options (Mapping[str, Any]): The engine's options.

    Returns:
        int: The exit code: 0 if all have finished, 75 if some were stopped or another process has them, else 1.
    """
    outcomes: dict[str, str] = {}
    length = dict(zip((spec.name for spec in specs), lengths, strict=True))
    print(f'{len(specs)} runs in {specs[0].work_dir}')
    with Progress() as progress, _stop_on_signal(progress) as stop:
        task = progress.add_task(f'0 of {len(specs)} runs', total=sum(lengths))
        for ended in ENGINES[engine](specs, stop, options):
            if ended is not None:
                spec, outcome = ended
                outcomes[spec.name] = outcome.status
                line = f'{spec.name}: {outcome.status}{f", {outcome.words}" if outcome.words else ""}'
                progress.console.print(line, highlight=False, markup=False, soft_wrap=True)
            done = [name for name, status in outcomes.items() if status in (FINISHED, FAILED)]
            epochs = sum(length[spec.name] if spec.name in done else _epoch(spec) for spec in specs)
            progress.update(task, completed=epochs, description=f'{len(done)} of {len(specs)} runs')
    counts = Counter(outcomes.values())
    print(', '.join(f'{counts[status]} {status}' for status in (FINISHED, FAILED, STOPPED, BUSY) if counts[status]))
    if counts[STOPPED] or counts[BUSY] or len(outcomes) < len(specs):
        return EXIT_TRY_AGAIN
    return 1 if counts[FAILED] else 0


def _epoch(spec: RunSpec) -> int:
    with suppress(Exception):  # an unreadable log of one run ends no other
        return last_epoch(spec.folder)
    return 0


@contextmanager
def _stop_on_signal(progress: Progress) -> Iterator[Event]:
    """An event that SIGTERM and Ctrl-C set."""
    stop = Event()

    def on_signal(number: int, frame: Any) -> None:
        stop.set()
        progress.console.print(f'{signal.Signals(number).name}: saving and stopping; start again to go on')

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
