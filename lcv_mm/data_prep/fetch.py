"""Downloads archives in as many runs as it takes, and unpacks them.

The download is ours because no library that the project needs can resume one: neither requests, torch.hub nor
torchvision goes on from a part, and CUB's archive has 1.15 GB.
"""

import os
import shutil
import tarfile
import time
import zlib
from gzip import BadGzipFile
from pathlib import Path, PurePosixPath

import requests
import rich.progress
from rich.filesize import decimal
from urllib3.exceptions import HTTPError

from lcv_mm.errors import DataError

from .facts import Archive

ATTEMPTS = 5
TIMEOUT = (15, 60)  # seconds to connect, and between two blocks
BLOCK = 1 << 15  # bytes; a connection that breaks loses at most one
PASSING = (408, 429, 500, 502, 503, 504)  # answers after which the same request may succeed


def download(archive: Archive, folder: Path, retry_wait: float = 1.0) -> Path:
    """Download an archive unless it is there; what has arrived is kept in `<name>.part` and the next run resumes it.

    Args:
        archive (Archive): What to download.
        folder (Path): Where to; made if it does not exist.
        retry_wait (float): Seconds before the second attempt, doubled before each further one.

    Returns:
        Path: The file, of the right size and MD5.

    Raises:
        DataError: If the server does not have it, the connection breaks too often, or what arrived is not the file (it
            is then deleted).
    """
    target = folder / archive.name
    part = folder / f'{archive.name}.part'
    if target.is_file():
        fault = archive.fault_of(target)
        if fault is None:
            return target
        print(f'{target} is not the file it should be ({fault}) and is replaced.', flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    _fetch(archive, part, retry_wait)
    fault = archive.fault_of(part)
    if fault is not None:
        part.unlink()
        raise DataError(
            f'{archive.url}: what arrived is not {archive.name}: {fault}. It was deleted. Run the command again; if '
            f'the same happens twice, get {archive.name} from elsewhere and name its folder with --archives'
        )
    os.replace(part, target)
    return target


def _fetch(archive: Archive, part: Path, retry_wait: float) -> None:
    """Bring the complete file into `part`, in several attempts where the connection breaks."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _transfer(archive, part)
        except (requests.RequestException, HTTPError) as error:
            if attempt == ATTEMPTS:
                raise DataError(
                    f'{archive.url}: the download broke off {ATTEMPTS} times, the last time with: {error}. '
                    f'{decimal(_size(part))} are in {part}; run the command again and it goes on from there'
                ) from error
            wait = retry_wait * 2 ** (attempt - 1)
            print(f'{archive.name}: broken off ({error}); again in {wait:g} s', flush=True)
            time.sleep(wait)


def _transfer(archive: Archive, part: Path) -> None:
    """Bring what is missing of the file, in one request."""
    have = _size(part)
    if have == archive.size:
        return
    # The file's own bytes are needed, not a compressed form of them.
    headers = {'Accept-Encoding': 'identity'} | ({'Range': f'bytes={have}-'} if have else {})
    with requests.get(archive.url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == 416:  # the server has no byte beyond ours: their MD5 tells whether they are the file
            return
        answer = f'the server answers {response.status_code} {response.reason}'
        if response.status_code in PASSING:
            raise requests.ConnectionError(answer)
        if response.status_code not in (200, 206):
            raise DataError(
                f'{archive.url}: {answer}. If the file has moved, get {archive.name} by other means and name its '
                'folder with --archives'
            )
        begin = have if response.status_code == 206 else 0  # a server that ignores the range sends all of it
        length = response.headers.get('Content-Length')
        total = begin + int(length) if length else archive.size or 0
        with (
            rich.progress.wrap_file(response.raw, total - begin, description=archive.name) as source,
            part.open('ab' if begin else 'wb') as stream,
        ):
            shutil.copyfileobj(source, stream, BLOCK)
            reached = stream.tell()
    if reached < total:
        raise requests.ConnectionError(f'only {reached} of {total} bytes arrived')


def _size(file: Path) -> int:
    """Size in bytes; 0 for no file."""
    return file.stat().st_size if file.is_file() else 0


def unpack(file: Path, folder: Path, inner: str = '') -> None:
    """Write the files of a tar file into a folder, through the standard library's filter for data (PEP 706).

    Args:
        file (Path): The tar file; compressed by gzip, bzip2 or xz, or not.
        folder (Path): An existing folder.
        inner (str): Take only what lies in this folder of the tar file, without its name; '' for all.

    Raises:
        DataError: If it is not a tar file, is damaged, or holds what the filter refuses (such as a path that leads
            outside of `folder`). What was written by then stays.
    """

    def take(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        name = PurePosixPath(member.name)
        if not name.is_relative_to(inner):
            return None
        return tarfile.data_filter(member.replace(name=str(name.relative_to(inner)), deep=False), path)

    with rich.progress.open(file, 'rb', description=f'Unpacking {file.name}') as stream:
        try:
            with tarfile.open(fileobj=stream, mode='r|*') as tar:
                tar.extractall(folder, filter=take)
        except tarfile.FilterError as error:
            raise DataError(f'{file} was not unpacked, for it may do harm: {error}') from error
        except (tarfile.TarError, EOFError, zlib.error, BadGzipFile) as error:
            raise DataError(f'{file} is damaged or not a tar file ({error}). Delete it and get it again') from error
