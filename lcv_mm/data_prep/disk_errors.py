"""Errors of the disk as errors the user can act on."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lcv_mm.errors import DataError

FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError met while a path is read or written into a DataError that says what to do.

    Args:
        path (Path): The file or folder, where the error itself names none.

    Raises:
        DataError: In place of an OSError.
    """
    try:
        yield
    except OSError as error:
        what = f'{error.filename or path}: {error.strerror or error}'
        if error.errno in FULL:
            remedy = 'Free some space, or name a folder on another disk with --root; then run the command again'
        else:
            remedy = 'See to it and run the command again'
        raise DataError(f'{what}. {remedy}') from error
