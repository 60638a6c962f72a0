"""prepare: a folder with a dataset's name is a whole dataset, whatever happened on the way."""

import hashlib
import multiprocessing
import tarfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from layouts import make_cub, make_oxford_flower17, make_stanford_dogs
from tiny_run import wait_until

from lcv_mm.data_prep import prepare
from lcv_mm.data_prep.facts import DATASETS, DatasetFacts, Split

FORK = multiprocessing.get_context('fork')


@dataclass
class Archives:
    """Archives of small datasets in a folder, and the facts of those datasets, for a server's addresses."""

    folder: Path
    facts: dict[str, DatasetFacts]

    def put_on(self, server) -> dict[str, DatasetFacts]:
        """Let a server have the files; the facts with its addresses."""
        server.files = {file.name: file.read_bytes() for file in self.folder.iterdir()}
        return {name: _with_archives(facts, self.folder, server.url) for name, facts in self.facts.items()}


def _with_archives(facts: DatasetFacts, folder: Path, url) -> DatasetFacts:
    """The facts with the size and MD5 of the files in a folder."""
    archives = []
    for archive in facts.archives:
        data = (folder / archive.name).read_bytes()
        md5 = hashlib.md5(data).hexdigest()
        size = len(data) if archive.size else None  # Flower-17's sizes are not known
        archives.append(replace(archive, url=url(archive.name), md5=md5, size=size))
    return replace(facts, archives=tuple(archives))


def pack(file: Path, *paths: Path) -> None:
    with tarfile.open(file, 'w:gz' if file.suffix == '.tgz' else 'w') as tar:
        for path in paths:
            tar.add(path, path.name)


def two_each(facts: DatasetFacts, classes: int) -> DatasetFacts:
    """The facts of a small dataset with one training and one test image of each class."""
    splits = tuple(Split({'split': split}, classes, (1, 1)) for split in ('train', 'test'))
    return replace(facts, images=2 * classes, splits=splits)


@pytest.fixture(scope='module')
def archives(tmp_path_factory) -> Archives:
    made = tmp_path_factory.mktemp('made')
    folder = tmp_path_factory.mktemp('archives')
    cub = make_cub(made / 'CUB_200_2011', 1, 1)
    dogs = make_stanford_dogs(made / 'dogs', 1, 1)
    flower17 = make_oxford_flower17(made / 'flower17')
    (made / 'attributes.txt').write_text('1 has_bill_shape::curved\n')
    pack(folder / 'CUB_200_2011.tgz', made / 'attributes.txt', cub)
    pack(folder / 'images.tar', dogs / 'Images')
    pack(folder / 'lists.tar', *sorted(dogs.glob('*.mat')))
    pack(folder / '17flowers.tgz', flower17 / 'jpg')
    (folder / 'datasplits.mat').write_bytes((flower17 / 'datasplits.mat').read_bytes())
    facts = {
        'cub': two_each(DATASETS['cub'], 200),
        'dogs': two_each(DATASETS['dogs'], 120),
        'flower17': DATASETS['flower17'],
    }
    return Archives(folder, {name: _with_archives(known, folder, str) for name, known in facts.items()})


def names(folder: Path) -> list[str]:
    """What is in a folder, but the lock files."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != '.lock')


def state(folder: Path) -> dict[Path, int]:
    """When each file and folder below was last changed, in ns."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob('*') if path.suffix != '.lock'}


def test_all_datasets_are_downloaded_unpacked_and_checked(archives, server, tmp_path, capsys):
    assert prepare(['cub', 'dogs', 'flower17'], tmp_path / 'data', datasets=archives.put_on(server))
    data = tmp_path / 'data'
    assert names(data) == ['CUB_200_2011', 'archives', 'oxford_flower17', 'stanford_dogs']
    assert {'images', 'images.txt', 'image_class_labels.txt', 'train_test_split.txt'} <= {*names(data / 'CUB_200_2011')}
    assert 'attributes.txt' not in names(data / 'CUB_200_2011')
    assert names(data / 'stanford_dogs') == ['Images', 'file_list.mat', 'test_list.mat', 'train_list.mat']
    assert names(data / 'oxford_flower17') == ['datasplits.mat', 'jpg']
    assert names(data / 'archives' / 'stanford_dogs') == ['images.tar', 'lists.tar']
    printed = capsys.readouterr().out
    assert 'CUB-200-2011: see https://data.caltech.edu/records/65de6-vp158 for its terms of use' in printed
    assert 'all splits: 1360 different images, 1360 opened without fault\n  no fault' in printed


def test_a_second_run_asks_no_server_changes_nothing_and_says_so(archives, server, tmp_path, capsys):
    facts = archives.put_on(server)
    assert prepare(['dogs'], tmp_path, datasets=facts)
    asked, before = len(server.ranges), state(tmp_path)
    capsys.readouterr()
    assert prepare(['dogs'], tmp_path, datasets=facts)
    assert (len(server.ranges), state(tmp_path)) == (asked, before)
    assert capsys.readouterr().out == (
        f'Stanford Dogs is there: {tmp_path}/stanford_dogs, 240 images. --check opens each of them.\n'
    )


@pytest.mark.parametrize('inner', ['', 'stanford_dogs'])
def test_archives_that_the_user_has_are_used_where_they_are(archives, tmp_path, inner):
    own = tmp_path / 'own' / inner
    own.mkdir(parents=True)
    for name in ('images.tar', 'lists.tar'):
        (own / name).symlink_to(archives.folder / name)
    assert prepare(['dogs'], tmp_path / 'data', tmp_path / 'own', datasets=archives.facts)
    assert names(tmp_path / 'data') == ['stanford_dogs']


def test_an_archive_that_the_user_has_not_is_named(archives, tmp_path, capsys):
    (tmp_path / 'images.tar').symlink_to(archives.folder / 'images.tar')
    assert not prepare(['dogs'], tmp_path / 'data', tmp_path, datasets=archives.facts)
    assert f'{tmp_path} holds no lists.tar; expected: images.tar, lists.tar' in capsys.readouterr().err


def test_a_wrong_archive_of_the_users_is_refused_and_left(archives, tmp_path, capsys):
    (tmp_path / 'images.tar').write_bytes(b'my own')
    assert not prepare(['dogs'], tmp_path / 'data', tmp_path, datasets=archives.facts)
    size = archives.facts['dogs'].archives[0].size
    assert f'images.tar is not the right file: it has 6 bytes, expected {size}' in capsys.readouterr().err
    assert (tmp_path / 'images.tar').read_bytes() == b'my own'
    assert names(tmp_path / 'data') == []


def test_a_download_that_was_killed_is_gone_on_from(archives, server, tmp_path):
    facts = archives.put_on(server)
    part = tmp_path / 'archives' / 'stanford_dogs' / 'images.tar.part'
    server.cuts, server.hold = [100_000], threading.Event()
    child = FORK.Process(target=prepare, args=(['dogs'], tmp_path), kwargs={'datasets': facts})
    child.start()
    wait_until(lambda: part.exists() and part.stat().st_size > 0)
    child.kill()
    child.join()
    server.hold.set()
    have = part.stat().st_size
    assert 0 < have <= 100_000
    assert prepare(['dogs'], tmp_path, datasets=facts)
    assert server.ranges == [None, f'bytes={have}-', None]


def test_what_fails_with_one_dataset_does_not_stop_the_others(archives, server, tmp_path, capsys):
    facts = archives.put_on(server)
    del server.files['CUB_200_2011.tgz']
    assert not prepare(['cub', 'dogs'], tmp_path, datasets=facts)
    assert names(tmp_path) == ['archives', 'stanford_dogs']
    assert 'error: CUB-200-2011: ' in capsys.readouterr().err


def test_a_folder_the_user_unpacked_by_half_is_reported_and_left(archives, tmp_path, capsys):
    folder = make_stanford_dogs(tmp_path / 'stanford_dogs', 1, 1)
    (lost,) = folder.glob('Images/*-basset/*_2934.jpg')
    lost.unlink()
    before = state(folder)
    assert not prepare(['dogs'], tmp_path, archives.folder, datasets=archives.facts)
    printed = capsys.readouterr().out
    assert f'- {lost.relative_to(folder)}: missing' in printed
    assert f'To make it anew, delete {folder} and run this command without --check.' in printed
    assert state(folder) == before


def test_a_root_that_cannot_be_written_is_reported(archives, tmp_path, capsys):
    (tmp_path / 'data').write_text('a file')
    assert not prepare(['cub'], tmp_path / 'data', archives.folder, datasets=archives.facts)
    assert f'error: CUB-200-2011: {tmp_path}/data: ' in capsys.readouterr().err
