"""layout: what the datasets read from archives have in common, above all the errors that say what to do."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from layouts import copy_to_damage, data_error, make_cub, make_oxford_flower17, make_stanford_dogs
from mmpretrain.datasets.categories import CUB_CATEGORIES
from mmpretrain.registry import DATASETS
from PIL import Image

from lcv_mm.datasets import CUB200, OxfordFlower17, StanfordDogs
from lcv_mm.errors import DataError

MAKE: dict[str, tuple[type, Callable[[Path], Path]]] = {
    'cub': (CUB200, make_cub),
    'dogs': (StanfordDogs, make_stanford_dogs),
    'flower17': (OxfordFlower17, make_oxford_flower17),
}
LOAD = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]


@pytest.fixture(scope='module')
def originals(tmp_path_factory) -> dict[type, Path]:
    """A small folder for each dataset, not to be changed."""
    folder = tmp_path_factory.mktemp('originals')
    return {cls: make(folder / name) for name, (cls, make) in MAKE.items()}


@pytest.fixture
def copy(originals, tmp_path) -> Callable[[type], Path]:
    """Makes a copy that a test may damage."""
    return lambda cls: copy_to_damage(originals[cls], tmp_path / 'data' / 'root')


@pytest.fixture(params=MAKE)
def cls(request) -> type:
    return MAKE[request.param][0]


def test_it_is_built_from_the_registry_below_the_home_and_loads_images(cls, originals, monkeypatch):
    root = originals[cls]
    monkeypatch.setenv('HOME', str(root.parent))
    dataset = DATASETS.build(dict(type=cls.__name__, data_root=f'~/{root.name}', split='test', pipeline=LOAD))
    assert type(dataset) is cls
    assert dataset.get_data_info(0)['img_path'].startswith(f'{root}/{cls.FOLDER}/')
    assert dataset[0]['inputs'].shape[0] == 3
    assert {*dataset.get_gt_labels()} == {*range(len(dataset.CLASSES))}


@pytest.mark.parametrize('name', MAKE)
def test_a_missing_root_says_where_it_looked_and_what_to_do(name, tmp_path, monkeypatch):
    cls = MAKE[name][0]
    monkeypatch.chdir(tmp_path)
    text = data_error(cls, 'data/x')
    assert f'{cls.__name__} in {tmp_path}/data/x: a list cannot be read (FileNotFoundError' in text
    assert f'Run `lcv_mm prepare_data {name}`' in text


def test_missing_images_are_counted_and_the_first_are_named_and_the_other_split_is_read(cls, copy):
    root = copy(cls)
    dataset = cls(str(root))
    files = [Path(info['img_path']) for info in list(dataset)[:5]]
    for file in files:
        file.unlink()
    names = [str(file.relative_to(root / cls.FOLDER)) for file in files]
    expected = f"5 of the {len(dataset)} images of the split 'train' are missing from {cls.FOLDER}/: "
    assert expected + ', '.join(names[:3]) + ', ...' in data_error(cls, root)
    assert len(cls(str(root), split='test'))


@pytest.mark.parametrize('cls', [StanfordDogs, OxfordFlower17])
def test_a_damaged_mat_file_is_named_as_a_list(cls, copy):
    root = copy(cls)
    (root / cls.LISTS[0]).write_bytes((root / cls.LISTS[0]).read_bytes()[:200])
    assert f'{cls.__name__} in {root}: a list cannot be read (' in data_error(cls, root)


def test_an_image_cut_short_ends_training_with_an_error_and_an_intact_one_does_not(copy):
    root = copy(StanfordDogs)
    dataset = StanfordDogs(str(root), pipeline=LOAD)
    file = Path(dataset.get_data_info(0)['img_path'])
    noise = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
    file.unlink()
    Image.fromarray(noise).save(file)
    data = file.read_bytes()
    file.write_bytes(data + b'trailer')
    assert dataset[0]['inputs'].shape == (3, 64, 64)
    for damaged in (data[:-500], b''):
        file.write_bytes(damaged)
        with pytest.raises(DataError, match=rf'the image {file} is (damaged|empty)'):
            dataset[0]


def test_a_part_of_cub_is_read_with_the_names_of_its_classes(tmp_path):
    root = make_cub(tmp_path / 'part')
    for name in CUB200.LISTS:  # the last 25 classes of 3 images, numbered anew from 1
        values = [line.split()[1] for line in (root / name).read_text().splitlines()[-75:]]
        values = [str(int(value) - 175) for value in values] if name == CUB200.LISTS[1] else values
        (root / name).write_text(''.join(f'{number} {value}\n' for number, value in enumerate(values, 1)))
    for split, per_class in (('train', 2), ('test', 1)):
        part = CUB200(str(root), split=split, metainfo=dict(classes=CUB_CATEGORIES[-25:]), pipeline=LOAD)
        assert np.bincount(part.get_gt_labels()).tolist() == [per_class] * 25
        assert part.CLASSES[24] == 'Common_Yellowthroat'
        assert '/200.Common_Yellowthroat/' in part.get_data_info(len(part) - 1)['img_path']
        assert part[0]['data_samples'].gt_label.item() == 0
