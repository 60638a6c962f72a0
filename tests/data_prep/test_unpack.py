"""unpack: plain files and folders below the target, whatever the tar file holds."""

import io
import multiprocessing
import os
import resource
import signal
import stat
import tarfile
from pathlib import Path

import pytest

from lcv_mm.data_prep import unpack
from lcv_mm.errors import DataError

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


def test_rights_owners_and_times_are_not_taken_over(tmp_path, target):
    info = member('tool')
    info.mode, info.uid, info.mtime = 0o6777, 12345, 0
    unpack(write_tar(tmp_path / 'birds.tgz', info), target)
    found = (target / 'tool').stat()
    assert not found.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IXUSR)
    assert found.st_uid == os.getuid()
    assert found.st_mtime > 0


def evil_members(outside: Path) -> dict[str, list[tarfile.TarInfo]]:
    secret, link = str(outside / 'secret'), member('door', tarfile.SYMTYPE, str(outside))
    return {
        'a path with ..': [member('CUB/../../../outside/evil')],
        'a path that is ..': [member('..', tarfile.DIRTYPE)],
        'a path of another system': [member('..\\..\\outside\\evil')],
        'an absolute path': [member(str(outside / 'evil'))],
        'a symbolic link': [member('door', tarfile.SYMTYPE, secret)],
        'a symbolic link and a file through it': [link, member('door/evil')],
        'a symbolic link inside': [member('door', tarfile.SYMTYPE, 'CUB/images.txt')],
        'a hard link': [member('door', tarfile.LNKTYPE, secret)],
        'a hard link by ..': [member('door', tarfile.LNKTYPE, '../../outside/secret')],
        'a character device': [member('null', tarfile.CHRTYPE)],
        'a block device': [member('disk', tarfile.BLKTYPE)],
        'a named pipe': [member('pipe', tarfile.FIFOTYPE)],
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
    with pytest.raises(DataError, match=r'birds.tgz was not unpacked: it holds the (path|link|device)') as caught:
        unpack(file, target, inner)
    assert repr(evil[0].name) in str(caught.value)
    assert not any(path.is_symlink() or not (path.is_file() or path.is_dir()) for path in target.rglob('*'))
    after = {name: data for name, data in tree(tmp_path).items() if not name.startswith('data/.CUB.partial/')}
    assert after == around


@pytest.mark.parametrize('mode', ['w', 'w:gz'])
def test_a_truncated_tar_file_is_called_damaged(tmp_path, target, mode):
    file = write_tar(tmp_path / 'birds.tar', mode=mode)
    file.write_bytes(file.read_bytes()[: 3000 if mode == 'w' else 100])
    with pytest.raises(DataError, match=r'birds.tar is damaged or no tar file \(.+\). Delete it and get it anew'):
        unpack(file, target)


@pytest.mark.parametrize('data', [b'', b'<html>Not Found</html>' * 100, b'\x1f\x8b\x08\x00rest'])
def test_what_is_no_tar_file_is_called_so(tmp_path, target, data):
    (tmp_path / 'birds.tgz').write_bytes(data)
    with pytest.raises(DataError, match=r'birds.tgz is damaged or no tar file'):
        unpack(tmp_path / 'birds.tgz', target)


def _unpack_on_a_small_disk(file: Path, target: Path, answer: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write then fails as on a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        unpack(file, target)
    except DataError as error:
        answer.write_text(str(error))


def test_a_write_that_fails_is_reported(tmp_path, target):
    file, answer = write_tar(tmp_path / 'birds.tgz'), tmp_path / 'answer'
    child = multiprocessing.get_context('fork').Process(target=_unpack_on_a_small_disk, args=(file, target, answer))
    child.start()
    child.join(60)
    assert answer.read_text() == f'{target}: File too large. See to it and run the command again'
