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


def test_the_classes_without_images_are_counted(cub):
    for name in ('images', 'image_class_labels', 'train_test_split'):
        lines = (cub / f'{name}.txt').read_text().splitlines()
        (cub / f'{name}.txt').write_text('\n'.join(lines[:597]) + '\n')  # 199 classes of 3 images
    assert check_dataset(CUB, cub) == [
        'train: 199 images, expected 200',
        f'train: 0 images of class {CUB_CATEGORIES[199]}, expected 1',
        'test: 398 images, expected 400',
        f'test: 0 images of class {CUB_CATEGORIES[199]}, expected 2',
        'all splits: 597 different images, expected 600',
    ]


def test_lists_that_disagree_are_a_fault_and_no_crash(cub):
    edit(cub / 'train_test_split.txt', '\n600 1\n', '\n')
    (fault,) = check_dataset(CUB, cub)
    assert '1 ids are in images.txt or train_test_split.txt alone, such as 600' in fault
    assert '--cfg-options' not in fault


def test_a_missing_list_is_one_fault_of_all_splits(tmp_path):
    (tmp_path / 'jpg').mkdir()
    (fault,) = check_dataset(DATASETS['flower17'], tmp_path)
    assert fault == (
        f'OxfordFlower17 in {tmp_path}: expected jpg/, datasplits.mat in this folder; missing: datasplits.mat.'
    )


def test_an_image_that_is_listed_twice_is_a_fault(cub):
    names = (cub / 'images.txt').read_text().split()[1::2]
    edit(cub / 'images.txt', f'\n600 {names[599]}\n', f'\n600 {names[598]}\n')
    assert 'all splits: 599 different images, expected 600' in check_dataset(CUB, cub)


@pytest.mark.parametrize(('make', 'problem'), [(False, 'the folder does not exist'), (True, 'missing: images/')])
def test_no_dataset_is_a_fault_and_is_not_drawn(tmp_path, make, problem):
    if make:
        (tmp_path / 'birdlets').mkdir()
    (fault,) = check_dataset(DATASETS['birdlets'], tmp_path / 'birdlets')
    assert problem in fault
    assert not any(tmp_path.glob('birdlets/*'))


def test_the_numbers_of_the_datasets_agree_with_each_other():
    for facts in DATASETS.values():
        for split in facts.splits:
            classes = {'CUB200': 200, 'StanfordDogs': 120, 'OxfordFlower17': 17, 'Birdlets': 20}[facts.type]
            assert split.per_class[0] * classes <= split.images <= split.per_class[1] * classes
    for name in ('cub', 'dogs', 'birdlets'):
        assert sum(split.images for split in DATASETS[name].splits) == DATASETS[name].images
