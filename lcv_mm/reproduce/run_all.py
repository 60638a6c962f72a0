"""All runs through an engine, with progress, and the report at the end."""

import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from rich.progress import Progress

from ..engine import EXIT_TRY_AGAIN
from ..visualization import last_epoch
from .engines import ENGINES
from .execute import BUSY, STOPPED
from .plan import RunSpec, state
from .record import FAILED, FINISHED, read_record
from .report import write_report


def run_all(
    specs: Sequence[RunSpec], epochs: Sequence[int], engine: str, options: Mapping[str, Any], work_dir: Path
) -> int:
    """Execute runs, say how each ended, and write `report.html` and `report.md` into the work dir.

    The engine is one of ENGINES, with options of its own; the progress bar goes by the epochs that each run trains.

    Returns:
        int: The exit code: 0 if all have finished, 75 if some were stopped or another process has them, else 1.
    """
    outcomes: dict[str, str] = {}
    length = dict(zip((spec.name for spec in specs), epochs, strict=True))
    with Progress() as progress, _stop_on_signal(progress) as stop:
        task = progress.add_task(f'0 of {len(specs)} runs', total=sum(epochs))
        for ended in ENGINES[engine](specs, stop, options):
            if ended is not None:
                spec, outcome = ended
                outcomes[spec.name] = outcome
                told = f'{spec.name}: {_told(spec, outcome)}'
                progress.console.print(told, highlight=False, markup=False, soft_wrap=True)
            under_way = (spec for spec in specs if spec.name not in outcomes)
            done = sum(min(last_epoch(spec.folder), length[spec.name]) for spec in under_way)
            done += sum(length[name] for name in outcomes)
            progress.update(task, completed=done, description=f'{len(outcomes)} of {len(specs)} runs')
    for file in write_report(work_dir):
        print(f'Report: {file}')
    counts = Counter(outcomes.values())
    print(', '.join(f'{counts[name]} {name}' for name in (FINISHED, FAILED, STOPPED, BUSY) if counts[name]))
    if counts[STOPPED] or counts[BUSY] or len(outcomes) < len(specs):
        return EXIT_TRY_AGAIN
    return 1 if counts[FAILED] else 0


def _told(spec: RunSpec, outcome: str) -> str:
    """What is said of a run that has ended."""
    record = read_record(spec.folder)
    if outcome == FAILED and record is not None:
        return f'failed: {record.error}'
    if outcome == BUSY:
        return f'left alone: another process is training in {spec.folder}'
    return state(spec) if outcome == FINISHED else outcome


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
