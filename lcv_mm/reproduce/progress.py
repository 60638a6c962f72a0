"""How far runs are, by what they have left on disk."""

import json
import re
from contextlib import suppress
from pathlib import Path

from ..engine import NOTE
from .record import FINISHED, read_record
from .run_spec import RunSpec


def epochs_logged(folder: Path) -> int:
    """The epoch that a run's log is in, from 1; 0 if it has none."""
    files = sorted(folder.glob('*/vis_data/scalars.json'))
    for file in reversed(files):
        for line in reversed(file.read_text().splitlines()):
            with suppress(ValueError):  # the last line may be in the writing
                return int(json.loads(line).get('epoch', json.loads(line)['step']))
    return 0


def state(spec: RunSpec) -> str:
    """Such as 'finished, 57.00 %', 'half-way (epoch_12.pth)', 'failed' or 'to do'."""
    record = read_record(spec.folder)
    if record is not None:
        return f'finished, {record.top1:.2f} %' if record.status == FINISHED else 'failed, to be tried again'
    note = spec.folder / NOTE
    if note.is_file():
        return f'half-way ({Path(re.sub(r"[^ -~]", "", note.read_text())).name})'
    return 'to do'
