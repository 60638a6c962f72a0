"""Files that are whole or not there."""

import os
from contextlib import suppress
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from ..errors import CheckpointError


class AtomicBackend(LocalBackend):
    """MMEngine's storage on disk, `backend_args=dict(backend='atomic')`, whose `put` is all or nothing.

    The bytes go to a file beside the target, which takes the target's name only when all of it is on the disk. A
    process that dies in between leaves `<name>.part`, which the next attempt overwrites, and the old file as it was.
    """

    def put(self, obj: bytes | memoryview, filepath: str | Path) -> None:
        """Write bytes to a file.

        Args:
            obj (bytes): What to write.
            filepath (str | Path): The file; folders on the way to it are made.

        Raises:
            CheckpointError: If the disk takes no more (full, quota, read-only); what stood there before still does.
        """
        target = Path(filepath)
        part = target.with_name(f'{target.name}.part')
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with part.open('wb') as file:
                file.write(obj)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except OSError as error:
            with suppress(OSError):  # what can't be written to can't be cleaned either; the first error tells
                part.unlink(missing_ok=True)
            raise CheckpointError(
                f'{target}: cannot be written ({error.strerror}); {len(obj) / 1e6:.0f} MB are needed. '
                'Earlier checkpoints are untouched: make room and go on with --resume'
            ) from error


register_backend('atomic', AtomicBackend, force=True)  # force: a module that is loaded again is no mistake
