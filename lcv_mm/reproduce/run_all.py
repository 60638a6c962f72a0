"""All runs of a command through an engine, with progress."""

import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Event
from typing import Any

from rich.progress import Progress

from ..engine import EXIT_TRY_AGAIN
from ..visualization import last_epoch
from .engines import ENGINES
from .plan import RunSpec
from .record import BUSY, FAILED, FINISHED, STOPPED


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
