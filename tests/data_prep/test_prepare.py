"""Datasets are downloaded or taken from archives, unpacked and checked; what is there is left alone."""

import hashlib
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from layouts import make_cub, make_oxford_flower17, make_stanford_dogs

from lcv_mm.data_prep import prepare
from lcv_mm.data_prep.facts import DATASET_INFO, DatasetInfo, Split


@dataclass
class Archives:
    """Archives of small datasets in a folder, and the facts of those datasets, for a server's addresses."""

    folder: Path
    facts: dict[str, DatasetInfo]

    def put_on(self, server) -> dict[str, DatasetInfo]:
        """Let a server have the files; the facts with its addresses."""
        server.files = {file.name: file.read_bytes() for file in self.folder.iterdir()}
        return {name: _with_archives(facts, self.folder, server.url) for name, facts in self.facts.items()}


def _with_archives(facts: DatasetInfo, folder: Path, url) -> DatasetInfo:
    """The facts with the MD5 of the files in a folder."""
    md5s = {archive: hashlib.md5((folder / archive.name).read_bytes()).hexdigest() for archive in facts.archives}
    archives = tuple(replace(archive, url=url(archive.name), md5=md5) for archive, md5 in md5s.items())
    return replace(facts, archives=archives)


def pack(file: Path, *paths: Path) -> None:
    with tarfile.open(file, 'w:gz' if file.suffix == '.tgz' else 'w') as tar:
        for path in paths:
            tar.add(path, path.name)


def two_each(facts: DatasetInfo, classes: int) -> DatasetInfo:
    """The facts of a small dataset with one training and one test image of each class."""
    splits = tuple(Split({'split': split}, classes) for split in ('train', 'test'))
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
        'cub': two_each(DATASET_INFO['cub'], 200),
        'dogs': two_each(DATASET_INFO['dogs'], 120),
        'flower17': DATASET_INFO['flower17'],
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
    assert printed.count('\n  no fault\n') == 3
    assert 'Oxford-Flower-17 is ready: ' in printed


def test_a_second_run_asks_no_server_and_changes_nothing(archives, server, tmp_path):
    facts = archives.put_on(server)
    assert prepare(['dogs'], tmp_path, datasets=facts)
    asked, before = len(server.asked), state(tmp_path)
    assert prepare(['dogs'], tmp_path, datasets=facts)
    assert (len(server.asked), state(tmp_path)) == (asked, before)


@pytest.mark.parametrize('inner', ['', 'stanford_dogs'])
def test_archives_that_the_user_has_are_used_where_they_are(archives, tmp_path, inner):
    own = tmp_path / 'own' / inner
    own.mkdir(parents=True)
    for name in ('images.tar', 'lists.tar'):
        (own / name).symlink_to(archives.folder / name)
    assert prepare(['dogs'], tmp_path / 'data', tmp_path / 'own', datasets=archives.facts)
    assert names(tmp_path / 'data') == ['stanford_dogs']


def test_an_empty_folder_may_be_a_link_to_another_disk(archives, tmp_path):
    (tmp_path / 'disk').mkdir()
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/stanford_dogs').symlink_to(tmp_path / 'disk')
    assert prepare(['dogs'], tmp_path / 'data', archives.folder, datasets=archives.facts)
    assert names(tmp_path / 'disk') == ['Images', 'file_list.mat', 'test_list.mat', 'train_list.mat']


def test_a_wrong_archive_of_the_users_is_refused_and_left(archives, tmp_path, capsys):
    (tmp_path / 'images.tar').write_bytes(b'my own')
    assert not prepare(['dogs'], tmp_path / 'data', tmp_path, datasets=archives.facts)
    md5 = archives.facts['dogs'].archives[0].md5
    assert f'images.tar is not the right file: expected one with the MD5 {md5}' in capsys.readouterr().err
    assert (tmp_path / 'images.tar').read_bytes() == b'my own'
    assert names(tmp_path / 'data') == []


def test_a_broken_download_makes_no_dataset_and_the_next_run_completes_it(archives, server, tmp_path, capsys):
    facts = archives.put_on(server)
    server.cuts = [0, 100_000]  # of the first, which only looks for a redirect, nothing is read
    assert not prepare(['dogs'], tmp_path, datasets=facts)
    assert f'{server.url("images.tar")}: ' in capsys.readouterr().err
    assert names(tmp_path) == ['archives']
    assert prepare(['dogs'], tmp_path, datasets=facts)
