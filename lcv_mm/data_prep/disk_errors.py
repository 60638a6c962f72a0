"""Errors of the disk as errors the user can act on."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lcv_mm.errors import DataError

FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError met while a path is written into a DataError that says what to do.

    Args:
        path (Path): The file or folder that is written.

    Raises:
        DataError: In place of an OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            problem = 'the disk is full. Free some space, or name a folder on another disk with --root'
        else:
            problem = f'{error.strerror or error}. Look at the folder and its rights'
        raise DataError(f'{path} could not be written: {problem}; then run the command again') from error
