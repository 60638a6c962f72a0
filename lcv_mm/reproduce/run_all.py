"""All runs of a command through an engine, with progress."""

import signal
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from json import JSONDecodeError
from pathlib import Path
from threading import Event
from typing import Any

from mmengine.config import DictAction
from rich.progress import Progress

from ..engine import EXIT_TRY_AGAIN
from ..engine.speed import warn_of_slow_amp
from .engines import ENGINES
from .plan import RunSpec, check_settings, make_specs, state
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
        for spec in specs:
            with suppress(JSONDecodeError):  # a damaged file in one folder ends that run alone, when its turn comes
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
    """Execute runs through one of ENGINES and print how each ended.

    Returns:
        int: The exit code: 0 if all have finished, 75 if some were stopped or another process has them, else 1.
    """
    counts: Counter[str] = Counter()
    with Progress() as progress, _stop_on_signal(progress) as stop:
        for spec, outcome in progress.track(ENGINES[engine](specs, stop, **options), len(specs), description='Runs'):
            counts[outcome.status] += 1
            line = f'{spec}: {outcome.status}{f", {outcome.words}" if outcome.words else ""}'
            progress.console.print(line, highlight=False, markup=False, soft_wrap=True)
    print(', '.join(f'{counts[status]} {status}' for status in (FINISHED, FAILED, STOPPED, BUSY) if counts[status]))
    if counts[STOPPED] or counts[BUSY]:
        return EXIT_TRY_AGAIN
    return 1 if counts[FAILED] else 0


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
