"""The check of a dataset: nothing is wrong with a complete one, and all that is wrong with another is listed."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from layouts import edit, make_cub, make_stanford_dogs
from mmpretrain.datasets.categories import CUB_CATEGORIES

from lcv_mm.data_prep.facts import DATASETS, Split
from lcv_mm.data_prep.prepare import check_dataset

# 1 training and 2 test images of each class
SPLITS = {
    classes: (Split({'split': 'train'}, classes, (1, 1)), Split({'split': 'test'}, 2 * classes, (2, 2)))
    for classes in (200, 120)
}
CUB = replace(DATASETS['cub'], images=600, splits=SPLITS[200])
DOGS = replace(DATASETS['dogs'], images=360, splits=SPLITS[120])
ALBATROSS = '001.Black_footed_Albatross/Black_footed_Albatross'


@pytest.fixture(scope='module')
def originals(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('originals')
    make_cub(folder / 'cub', 1, 2)
    make_stanford_dogs(folder / 'dogs', 1, 2)
    return folder


@pytest.fixture
def cub(originals, tmp_path) -> Path:
    """A copy, to be damaged."""
    return shutil.copytree(originals / 'cub', tmp_path / 'cub')


def cut_in_half(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize(('name', 'facts'), [('cub', CUB), ('dogs', DOGS)])
def test_a_complete_dataset_has_no_fault_and_a_line_a_split(originals, name, facts, capsys):
    assert check_dataset(facts, originals / name) == []
    classes = facts.splits[0].images
    assert capsys.readouterr().out == (
        f'{facts.title} in {originals}/{name}\n'
        f'  train: {classes} images of {classes} classes\n'
        f'  test: {2 * classes} images of {classes} classes\n'
    )


def test_the_faults_of_cub_are_all_found(cub):
    images = cub / 'images'
    (images / f'{ALBATROSS}_0001_1.jpg').unlink()
    cut_in_half(images / f'{ALBATROSS}_0002_2.jpg')
    edit(cub / 'image_class_labels.txt', '\n3 1\n', '\n3 2\n')
    before = {file: file.stat().st_mtime_ns for file in cub.rglob('*')}
    *faults, unreadable = check_dataset(CUB, cub)
    assert faults == [
        'train: 0 images of class Black_footed_Albatross, expected 1',
        f'train: 2 images of class {CUB_CATEGORIES[1]}, expected 1',
        f'images/{ALBATROSS}_0001_1.jpg: missing',
    ]
    assert unreadable.startswith(f'images/{ALBATROSS}_0002_2.jpg: damaged, OSError: ')
    assert {file: file.stat().st_mtime_ns for file in cub.rglob('*')} == before
    assert check_dataset(CUB, cub, open_images=False) == faults
