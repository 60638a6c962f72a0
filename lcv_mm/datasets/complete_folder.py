"""A folder of data is complete or not there, also where processes are killed or start at once."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def is_there(folder: Path) -> bool:
    """Whether something has a folder's name; an empty folder counts as nothing."""
    return folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))


def make_folder(folder: Path, fill: Callable[[Path], None]) -> bool:
    """Make a folder unless it is there: filled under a hidden name beside it, and renamed once it is complete.

    `fill` writes what belongs into the new folder that it is given; the folders around it are made too. The lock file
    beside it may be deleted whenever nothing is being made. False if the folder was there, or is another process's.
    """
    if is_there(folder):
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f'.{folder.name}.lock'):
        if is_there(folder):
            return False
        partial = folder.parent / f'.{folder.name}.partial'
        shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
        partial.mkdir()
        try:
            fill(partial)
            if folder.exists():
                folder.rmdir()  # it is empty
            os.rename(partial, folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return True
