"""Files that are complete or not there."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmpretrain.registry import HOOKS

from ..errors import ConfigError, UserFacingError


def write_atomically(file: str | Path, content: bytes | memoryview | str) -> None:
    """Write all of a file, or leave what stood there before.

    The bytes go to a file beside the target, which takes the target's name only when all of it is on the disk. A
    process that dies in between leaves `<name>.part`, which the next attempt overwrites. Neither MMEngine's backends
    nor `torch.save` do so.

    Args:
        file (str | Path): The file; folders on the way to it are made.
        content (bytes | str): What to write; text in UTF-8.

    Raises:
        UserFacingError: If the disk takes no more (full, quota, read-only).
    """
    target = Path(file)
    part = target.with_name(f'{target.name}.part')
    data = content.encode() if isinstance(content, str) else content
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open('wb') as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        part.replace(target)
    except OSError as error:
        with suppress(OSError):  # what can't be written to can't be cleaned either; the first error tells
            part.unlink(missing_ok=True)
        raise UserFacingError(
            f'{target}: cannot be written ({error.strerror}); {-(-len(data) // 10**6)} MB are needed. What stood there '
            'before is untouched: make room and run the command again'
        ) from error


class AtomicBackend(LocalBackend):
    """MMEngine's storage on disk, `backend_args=dict(backend='atomic')`, whose `put` is all or nothing."""

    def put(self, obj: bytes | memoryview, filepath: str | Path) -> None:
        """`write_atomically`."""
        write_atomically(filepath, obj)


register_backend('atomic', AtomicBackend, force=True)  # force: loading the module again is no mistake


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """MMEngine's `CheckpointHook`, of the same arguments, that never has less than one complete checkpoint on disk.

    Files are written atomically, and a run keeps at least two: MMEngine deletes the oldest before it writes the next.

    Raises:
        ConfigError: If `max_keep_ckpts` is 1.
    """

    def __init__(self, *args: Any, backend_args: dict | None = None, **kwargs: Any) -> None:
        super().__init__(*args, backend_args=backend_args or dict(backend='atomic'), **kwargs)
        if self.max_keep_ckpts == 1:
            raise ConfigError(
                'SafeCheckpointHook: max_keep_ckpts=1 would delete the only checkpoint before the next is written, '
                'and lose the run if that fails; use 2 or more, or -1 for all'
            )
