"""Downloads a file in as many sittings as it takes."""

import os
import re
import time
from pathlib import Path

import requests
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from urllib3.exceptions import HTTPError

from lcv_mm.errors import DataError

from .archive import Archive
from .disk_errors import disk_errors

ATTEMPTS = 5
TIMEOUT = (15, 60)  # seconds to connect, and between two blocks
BLOCK = 1 << 15  # bytes; a connection that breaks loses at most one
PASSING = (408, 429, 500, 502, 503, 504)  # answers after which the same request may succeed


class _BrokenTransferError(Exception):
    """A transfer that may succeed when it is tried again."""


def download(archive: Archive, folder: Path, retry_wait: float = 1.0) -> Path:
    """Download an archive unless it is there; what has come of it stays in `<name>.part` and is gone on from.

    Args:
        archive (Archive): What to download.
        folder (Path): Where to; made if it is not there.
        retry_wait (float): Seconds before the second attempt, doubled before each further one; not negative.

    Returns:
        Path: The file, of the right size and MD5.

    Raises:
        DataError: If the server does not have it, the connection breaks too often, the disk is full, or what came is
            not the file (it is then deleted).
    """
    target = folder / archive.name
    part = folder / f'{archive.name}.part'
    if target.is_file():
        fault = archive.fault_of(target)
        if fault is None:
            return target
        print(f'{target} is not the file it should be ({fault}) and is replaced.', flush=True)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    _fetch(archive, part, retry_wait)
    fault = archive.fault_of(part)
    if fault is not None:
        part.unlink()
        raise DataError(
            f'{archive.url}: what came is not {archive.name}: {fault}. It was deleted. Run the command again; if the '
            f'same comes twice, get {archive.name} from elsewhere and name its folder with --archives'
        )
    os.replace(part, target)
    return target


def _fetch(archive: Archive, part: Path, retry_wait: float) -> None:
    """Bring the whole file into `part`, in several attempts where the connection breaks."""
    columns = (TextColumn('{task.description}'), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn()) as progress:
        task = progress.add_task(archive.name, total=archive.size)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return _transfer(archive, part, progress, task)
            except (_BrokenTransferError, requests.RequestException, HTTPError) as error:
                if attempt == ATTEMPTS:
                    raise DataError(
                        f'{archive.url}: the download broke off {ATTEMPTS} times, the last time with: {error}. '
                        f'{decimal(_size(part))} are in {part}; run the command again and it goes on from there'
                    ) from error
                wait = retry_wait * 2 ** (attempt - 1)
                progress.console.print(f'{archive.name}: broken off ({error}); again in {wait:g} s', markup=False)
                time.sleep(wait)


def _transfer(archive: Archive, part: Path, progress: Progress, task: TaskID) -> None:
    """Bring what is missing of the file, in one request."""
    have = _size(part)
    if have == archive.size:
        return
    if archive.size is not None and have > archive.size:
        have = 0  # a part of something else
    # What comes must be the file's own bytes, not a compressed form of them.
    headers = {'Accept-Encoding': 'identity'} | ({'Range': f'bytes={have}-'} if have else {})
    with requests.get(archive.url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == 416 and response.headers.get('Content-Range') == f'bytes */{have}':
            return  # all of it is there
        begin = _first_byte(archive, response)
        if begin not in (0, have):
            part.unlink(missing_ok=True)
            raise _BrokenTransferError(f'the server does not go on from byte {have}, so it begins anew')
        total = _total_size(archive, response, begin)
        progress.update(task, completed=begin, total=total)
        with disk_errors(part), part.open('ab' if begin else 'wb') as stream:
            while block := response.raw.read(BLOCK, decode_content=False):
                stream.write(block)
                progress.advance(task, len(block))
            reached = stream.tell()
    if total is not None and reached < total:
        raise _BrokenTransferError(f'only {reached} of {total} bytes came')


def _first_byte(archive: Archive, response: requests.Response) -> int | None:
    """The byte that an answer begins with; None if it does not go on from where it was asked to."""
    if response.status_code == 200:
        return 0  # the server sends all of it, whatever was asked for
    if response.status_code == 206:
        match = re.match(r'bytes (\d+)-', response.headers.get('Content-Range', ''))
        return int(match[1]) if match else None
    if response.status_code == 416:  # the server has less than we have of another file
        return None
    answer = f'the server answers {response.status_code} {response.reason}'
    if response.status_code in PASSING:
        raise _BrokenTransferError(answer)
    raise DataError(
        f'{archive.url}: {answer}. If the file has moved, get {archive.name} by other means and name its folder '
        'with --archives'
    )


def _total_size(archive: Archive, response: requests.Response, begin: int) -> int | None:
    """Bytes of the whole file, as far as known; DataError if the server has a file of another size."""
    length = response.headers.get('Content-Length')
    if length is None:
        return archive.size
    total = begin + int(length)
    if archive.size not in (None, total):
        raise DataError(
            f'{archive.url}: the server offers {total} bytes, but {archive.name} has {archive.size}: that is another '
            f'file. Get {archive.name} from elsewhere and name its folder with --archives'
        )
    return total


def _size(file: Path) -> int:
    """Size in bytes; 0 for no file."""
    return file.stat().st_size if file.is_file() else 0
