"""The sittings in which a run was trained: how long they took, and how much memory."""

import json
from pathlib import Path
from typing import Any

from ..engine import AtomicBackend
from .child import Ended

FILE = 'sittings.json'


class Sittings:
    """Kept in a run's folder, `[{"seconds": 81.3, "peak_memory": 1503238553}, {}]`: an empty one was killed.

    Args:
        folder (Path): The run's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        file = folder / FILE
        self._sittings: list[dict[str, Any]] = json.loads(file.read_text()) if file.is_file() else []

    def begin(self) -> None:
        """Note that training starts."""
        self._sittings.append({})
        self._write()

    def end(self, ended: Ended) -> None:
        """Note how it went."""
        self._sittings[-1] = dict(seconds=ended.seconds, peak_memory=ended.peak_memory)
        self._write()

    def summary(self) -> dict[str, Any]:
        """For a record: `seconds`, `sittings`, `untimed_sittings` and `peak_memory`."""
        timed = [sitting for sitting in self._sittings if sitting]
        peak = dict(cpu=max((sitting['peak_memory'] for sitting in timed), default=0))
        gpu = [
            json.loads(line).get('memory', 0)
            for file in self._folder.glob('*/vis_data/scalars.json')
            for line in file.read_text().splitlines()
        ]
        if any(gpu):
            peak['gpu'] = max(gpu) * 2**20  # MMEngine logs MiB, of torch's allocator
        return dict(
            seconds=sum(sitting['seconds'] for sitting in timed),
            sittings=len(self._sittings),
            untimed_sittings=len(self._sittings) - len(timed),
            peak_memory=peak,
        )

    def _write(self) -> None:
        AtomicBackend().put(json.dumps(self._sittings).encode(), self._folder / FILE)
