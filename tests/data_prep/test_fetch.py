"""fetch: the right bytes over connections that break and from servers that err, unpacked below the target alone."""

import hashlib
import io
import random
import socket
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from lcv_mm.data_prep.facts import Archive
from lcv_mm.data_prep.fetch import ATTEMPTS, BLOCK, download, unpack
from lcv_mm.errors import DataError

BODY = random.Random(0).randbytes(300_000)


@pytest.fixture
def archive(server) -> Archive:
    server.files['birds.tgz'] = BODY
    return Archive(server.url('birds.tgz'), hashlib.md5(BODY).hexdigest(), len(BODY))


def message(archive: Archive, folder: Path) -> str:
    """The message of the DataError that a download ends with."""
    with pytest.raises(DataError) as caught:
        download(archive, folder, retry_wait=0)
    return str(caught.value)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize('size', [len(BODY), None])
def test_a_file_arrives_whole_and_nothing_else_is_left(archive, server, tmp_path, size):
    folder = tmp_path / 'not' / 'yet'
    file = download(replace(archive, size=size), folder)
    assert file == folder / 'birds.tgz'
    assert file.read_bytes() == BODY
    assert names(folder) == ['birds.tgz']
    assert server.ranges == [None]


def test_a_file_that_is_there_is_not_asked_for_unless_it_is_damaged(archive, server, tmp_path, capsys):
    (tmp_path / 'birds.tgz').write_bytes(BODY)
    download(archive, tmp_path)
    assert server.ranges == []
    (tmp_path / 'birds.tgz').write_bytes(b'\0' * len(BODY))
    assert download(archive, tmp_path).read_bytes() == BODY
    assert 'birds.tgz is not the file it should be (its MD5 is ' in capsys.readouterr().out


@pytest.mark.parametrize('size', [len(BODY), None])
def test_a_broken_connection_is_taken_up_where_it_broke(archive, server, tmp_path, size):
    server.cuts = [100_000, 120_000]
    file = download(replace(archive, size=size), tmp_path, retry_wait=0)
    assert file.read_bytes() == BODY
    first, second, third = server.ranges
    assert first is None
    begins = [int(header.removeprefix('bytes=').removesuffix('-')) for header in (second, third)]
    assert 100_000 - BLOCK < begins[0] <= 100_000
    assert begins[0] < begins[1] <= begins[0] + 120_000


def test_a_server_that_tells_no_length_and_breaks_is_noticed(archive, server, tmp_path):
    server.tells_length = False
    server.cuts = [100_000]
    assert download(archive, tmp_path, retry_wait=0).read_bytes() == BODY
    assert server.ranges == [None, 'bytes=100000-']


def test_after_too_many_breaks_the_part_is_kept_and_the_next_run_goes_on(archive, server, tmp_path):
    server.cuts = [40_000] * ATTEMPTS
    text = message(archive, tmp_path)
    assert f'the download broke off {ATTEMPTS} times' in text
    assert f'are in {tmp_path}/birds.tgz.part; run the command again and it goes on from there' in text
    assert names(tmp_path) == ['birds.tgz.part']
    have = (tmp_path / 'birds.tgz.part').stat().st_size
    assert have > 100_000
    assert download(archive, tmp_path).read_bytes() == BODY
    assert server.ranges[-1] == f'bytes={have}-'
    assert names(tmp_path) == ['birds.tgz']


def test_a_server_that_ignores_the_range_sends_all_of_it_again(archive, server, tmp_path):
    server.knows_ranges = False
    server.cuts = [100_000]
    assert download(archive, tmp_path, retry_wait=0).read_bytes() == BODY
    assert len(server.ranges) == 2
    assert server.ranges[1].startswith('bytes=')


@pytest.mark.parametrize(('size', 'requests'), [(len(BODY), 0), (None, 1)])
def test_a_part_with_all_bytes_is_taken(archive, server, tmp_path, size, requests):
    (tmp_path / 'birds.tgz.part').write_bytes(BODY)
    assert download(replace(archive, size=size), tmp_path).read_bytes() == BODY
    assert len(server.ranges) == requests


@pytest.mark.parametrize('size', [len(BODY), None])
def test_a_wrong_md5_deletes_what_came_and_says_both(archive, server, tmp_path, size):
    server.files['birds.tgz'] = other = BODY[:-1] + bytes([BODY[-1] ^ 1])
    text = message(replace(archive, size=size), tmp_path)
    assert f'its MD5 is {hashlib.md5(other).hexdigest()}, expected {archive.md5}' in text
    assert 'name its folder with --archives' in text
    assert names(tmp_path) == []


def test_404_says_so_at_once(archive, server, tmp_path):
    text = message(replace(archive, url=server.url('gone/birds.tgz')), tmp_path)
    assert f'{server.url("gone/birds.tgz")}: the server answers 404 Not Found' in text
    assert 'get birds.tgz by other means and name its folder with --archives' in text
    assert len(server.ranges) == 1


def test_a_server_that_is_busy_is_asked_again(archive, server, tmp_path):
    server.answers = [503, 429]
    assert download(archive, tmp_path, retry_wait=0).read_bytes() == BODY
    assert len(server.ranges) == 3


def test_no_server_at_all_is_reported(archive, tmp_path):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))  # bound, and not listening
        url = f'http://127.0.0.1:{taken.getsockname()[1]}/birds.tgz'
        text = message(replace(archive, url=url), tmp_path)
    assert f'the download broke off {ATTEMPTS} times, the last time with: ' in text
    assert 'Connection refused' in text


def test_the_bytes_are_not_decoded_where_the_server_calls_the_archive_an_encoding(archive, server, tmp_path):
    server.extra_headers = {'Content-Encoding': 'x-gzip'}
    assert download(archive, tmp_path).read_bytes() == BODY


# Unpacking

FILES = {'CUB/images.txt': b'1 a.jpg\n', 'CUB/images/001.A/a.jpg': b'\xff\xd8' * 5000, 'attributes.txt': b'1 blue\n'}


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = '') -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def write_tar(file: Path, *members: tarfile.TarInfo, mode: str = 'w:gz') -> Path:
    """A tar file of FILES, and then the members."""
    with tarfile.open(file, mode) as tar:
        for name, data in FILES.items():
            info = member(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for info in members:
            tar.addfile(info, io.BytesIO(b'x' * info.size))
    return file


def tree(folder: Path) -> dict[str, bytes | None]:
    """All that lies below a folder: relative path -> bytes, None for folders and what is no plain file."""
    found = {}
    for path in sorted(folder.rglob('*')):
        found[str(path.relative_to(folder))] = path.read_bytes() if path.is_file() else None
    return found


@pytest.fixture
def target(tmp_path) -> Path:
    folder = tmp_path / 'data' / '.CUB.partial'
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize('mode', ['w', 'w:gz', 'w:bz2', 'w:xz'])
def test_all_files_arrive(tmp_path, target, mode):
    unpack(write_tar(tmp_path / 'birds.tar', mode=mode), target)
    assert {name: data for name, data in tree(target).items() if data is not None} == FILES


@pytest.mark.parametrize('dot', ['', './'])
def test_the_inner_folder_alone_is_taken_without_its_name(tmp_path, target, dot):
    extra = member(f'{dot}CUB/README')
    unpack(write_tar(tmp_path / 'birds.tgz', member(f'{dot}CUB', tarfile.DIRTYPE), extra), target, inner='CUB')
    assert set(tree(target)) == {'images.txt', 'images', 'images/001.A', 'images/001.A/a.jpg', 'README'}


def evil_members(outside: Path) -> dict[str, list[tarfile.TarInfo]]:
    link = member('CUB/door', tarfile.SYMTYPE, str(outside))
    return {
        'a path with ..': [member('CUB/../../../outside/evil')],
        'a symbolic link': [member('CUB/door', tarfile.SYMTYPE, str(outside / 'secret'))],
        'a symbolic link and a file through it': [link, member('CUB/door/evil')],
        'a hard link by ..': [member('CUB/door', tarfile.LNKTYPE, '../../outside/secret')],
        'a named pipe': [member('CUB/pipe', tarfile.FIFOTYPE)],
    }


@pytest.mark.parametrize('inner', ['', 'CUB'])
@pytest.mark.parametrize('kind', evil_members(Path('/')))
def test_a_tar_file_is_refused_that_holds(tmp_path, target, kind, inner):
    outside = tmp_path / 'outside'
    outside.mkdir()
    (outside / 'secret').write_bytes(b'secret')
    evil = evil_members(outside)[kind]
    for info in evil:
        info.size = 4 if info.isreg() else 0
    file = write_tar(tmp_path / 'birds.tgz', *evil)
    around = {name: data for name, data in tree(tmp_path).items() if not name.startswith('data/.CUB.partial/')}
    with pytest.raises(DataError, match=r'birds.tgz was not unpacked, for it may do harm: '):
        unpack(file, target, inner)
    assert not any(path.is_symlink() or not (path.is_file() or path.is_dir()) for path in target.rglob('*'))
    after = {name: data for name, data in tree(tmp_path).items() if not name.startswith('data/.CUB.partial/')}
    assert after == around


def test_a_truncated_tar_file_and_what_is_none_are_called_damaged(tmp_path, target):
    whole = {mode: write_tar(tmp_path / mode, mode=mode).read_bytes() for mode in ('w', 'w:gz')}
    for data in (whole['w'][:3000], whole['w:gz'][:100], b'', b'<html>Not Found</html>' * 100, b'\x1f\x8b\x08\x00rest'):
        (tmp_path / 'birds.tgz').write_bytes(data)
        with pytest.raises(
            DataError, match=r'birds.tgz is damaged or not a tar file \(.+\). Delete it and get it again'
        ):
            unpack(tmp_path / 'birds.tgz', target)
