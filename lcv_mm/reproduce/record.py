"""What is kept of a run: its result, and what produced it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..engine import AtomicBackend
from ..errors import DataError

RECORD = 'record.json'
FINISHED, FAILED = 'finished', 'failed'
TOP1 = 'accuracy/top1'  # as MMPretrain's Accuracy names it


@dataclass(frozen=True)
class Record:
    """A run that has ended, `record.json` in its folder.

    Args:
        config (str): Name of its config, without `.py`.
        seed (int): Its `randomness.seed`.
        status (str): 'finished', or 'failed' where training or the test of the final checkpoint ended with an error.
        data (str): 'real' for a whole dataset of the paper, 'generated' for drawn images, 'other' for any other.
        dataset (str): Class of the training dataset.
        images (Mapping[str, int]): How many images 'train' and 'test' hold.
        options (Mapping[str, str]): Settings put over the config, as on a command line; empty for a row as it stands.
        amp (bool): Whether it was trained in mixed precision.
        metrics (Mapping[str, float]): What testing the final checkpoint gave, 'accuracy/top1' in per cent; empty
            where it failed.
        checkpoint (str): File name of the final checkpoint, in the run's folder.
        seconds (float): Wall-clock time of training, all sittings together.
        sittings (int): In how many sittings it was trained.
        untimed_sittings (int): Sittings killed before their time was noted: `seconds` lacks them.
        test_seconds (float): Wall-clock time of the test.
        peak_memory (Mapping[str, int]): Bytes: 'cpu' of the trainer in any sitting whose end was seen, without its
            loaders' workers; 'gpu' as torch counts what it has allocated, where there is one.
        config_dump (str): File name of the whole config as it was run, in the run's folder.
        machine (Mapping[str, Any]): 'cpu', 'cores', and 'gpu' where there is one; this and what follows of the last
            sitting.
        versions (Mapping[str, str]): Of Python, the packages and the compilers.
        git (Mapping[str, Any]): 'commit' and whether files were 'changed' beside it; empty outside a repository.
        ended (str): Date and time, ISO 8601, UTC.
        error (str): What a failed run said last.
    """

    config: str
    seed: int
    status: str
    data: str
    dataset: str
    images: Mapping[str, int]
    options: Mapping[str, str]
    amp: bool
    metrics: Mapping[str, float] = field(default_factory=dict)
    checkpoint: str = ''
    seconds: float = 0.0
    sittings: int = 0
    untimed_sittings: int = 0
    test_seconds: float = 0.0
    peak_memory: Mapping[str, int] = field(default_factory=dict)
    config_dump: str = ''
    machine: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    git: Mapping[str, Any] = field(default_factory=dict)
    ended: str = ''
    error: str = ''

    @property
    def top1(self) -> float:
        """Top-1 accuracy in per cent of a finished run."""
        return self.metrics[TOP1]


def write_record(folder: Path, record: Record) -> None:
    """Write `record.json`: whole, or not at all."""
    text = json.dumps(asdict(record), indent=2) + '\n'
    AtomicBackend().put(text.encode(), folder / RECORD)


def read_record(folder: Path) -> Record | None:
    """Read the record of a run's folder; None if the run has not ended.

    Raises:
        DataError: If the file is no record.
    """
    file = folder / RECORD
    if not file.is_file():
        return None
    try:
        return Record(**json.loads(file.read_text()))
    except (ValueError, TypeError) as error:
        raise DataError(
            f'{file}: expected the record of a run, as tools/reproduce.py writes it, but: {error}; delete it, and the '
            'run is tested and recorded again'
        ) from error


def read_records(work_dir: Path) -> Iterator[tuple[Path, Record]]:
    """All runs below a work dir that have ended, with their folders, `<config>/seed_<n>/`, in the order of names."""
    for file in sorted(work_dir.glob(f'*/seed_*/{RECORD}')):
        record = read_record(file.parent)
        if record is not None:
            yield file.parent, record
