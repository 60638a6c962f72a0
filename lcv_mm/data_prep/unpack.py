"""Unpacks tar files that need not be trusted."""

import shutil
import tarfile
import zlib
from collections.abc import Iterator
from gzip import BadGzipFile
from pathlib import Path, PurePosixPath
from typing import IO

import rich.progress

from lcv_mm.errors import DataError

from .disk_errors import disk_errors


def unpack(file: Path, folder: Path, inner: str = '') -> None:
    """Write the files of a tar file into a folder: plain files and folders only, none outside of it.

    A tar file with anything else in it is refused: a path that leads outside, a link, a device. Links inside would do
    no harm, but no archive of ours holds one, and without them no member can lead another one astray. Owners, rights
    and times are not taken over. tarfile's own `filter='data'` would do, but not every Python 3.10 and 3.11 has it.

    Args:
        file (Path): The tar file; compressed by gzip, bzip2 or xz, or not.
        folder (Path): An existing folder.
        inner (str): Take only what lies in this folder of the tar file, without its name; '' for all.

    Raises:
        DataError: If it is no tar file, is damaged, holds what is refused, or the disk is full. What was written by
            then stays in `folder`.
    """
    with disk_errors(folder), rich.progress.open(file, 'rb', description=f'Unpacking {file.name}') as stream:
        try:
            _unpack(stream, folder, inner)
        except (tarfile.TarError, EOFError, zlib.error, BadGzipFile) as error:
            raise DataError(f'{file} is damaged or no tar file ({error}). Delete it and get it anew') from error
        except _RefusedError as error:
            raise DataError(f'{file} was not unpacked: it holds {error}, which no archive of this kind does') from error


class _RefusedError(Exception):
    """A member that is not written: what it is."""


def _unpack(stream: IO[bytes], folder: Path, inner: str) -> None:
    with tarfile.open(fileobj=stream, mode='r|*') as tar:
        for member, name in _checked(tar):
            path = PurePosixPath(name)
            if not path.is_relative_to(inner):
                continue
            target = folder / path.relative_to(inner)
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            source = tar.extractfile(member)
            assert source is not None  # it is a plain file
            with source, target.open('wb') as copy:
                shutil.copyfileobj(source, copy)


def _checked(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, str]]:
    """The members and their names, one by one, while they are plain files and folders inside."""
    for member in tar:
        name = member.name
        if name.startswith('/') or '\\' in name or '..' in PurePosixPath(name).parts:
            raise _RefusedError(f'the path {name!r}')
        if not (member.isreg() or member.isdir()):
            kind = 'link' if member.issym() or member.islnk() else 'device or special file'
            raise _RefusedError(f'the {kind} {name!r}')
        yield member, name
