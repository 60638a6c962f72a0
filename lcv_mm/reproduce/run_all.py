"""Executes all runs of a command with an engine, and shows progress."""

import signal
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
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
            line = f'{spec}: {outcome.status}{f", {outcome.words}" if outcome.words else ""}'
            progress.console.print(line, highlight=False, markup=False, soft_wrap=True)
    print(', '.join(f'{counts[status]} {status}' for status in (FINISHED, FAILED, STOPPED, BUSY) if counts[status]))
    if counts[STOPPED] or counts[BUSY]:
        return EXIT_TRY_AGAIN
    return 1 if counts[FAILED] else 0
