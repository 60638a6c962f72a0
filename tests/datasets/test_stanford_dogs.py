"""StanfordDogs: reads the archives' layout, and says what is wrong with a damaged one."""

from pathlib import Path

import cv2
import pytest
from layouts import DOGS_WITH_4_CHANNELS, make_stanford_dogs
from scipy.io import loadmat

from lcv_mm.datasets import StanfordDogs

LOAD = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small copy with all 120 breeds: 240 training and 120 test images."""
    return make_stanford_dogs(tmp_path / 'data' / 'stanford_dogs')


def load(root: Path | str, *args, **kwargs) -> StanfordDogs:
    """The dataset, without mmengine's serialization, whose garbage collection takes most of the time."""
    return StanfordDogs(str(root), *args, serialize_data=False, **kwargs)


def entries(root: Path, split: str) -> tuple[list[str], list[int]]:
    """Images and labels of a list, read another way than the dataset does."""
    held = loadmat(root / f'{split}_list.mat', squeeze_me=True)
    return held['file_list'].tolist(), held['labels'].astype(int).tolist()


@pytest.mark.parametrize(('split', 'size'), [('train', 240), ('test', 120)])
def test_a_split_holds_what_its_list_holds(root, split, size):
    dataset = load(root, split)
    loaded = [(info['img_path'], info['gt_label']) for info in (dataset.get_data_info(i) for i in range(len(dataset)))]
    names, labels = entries(root, split)
    assert loaded == [(f'{root}/Images/{name}', label - 1) for name, label in zip(names, labels, strict=True)]
    assert len(dataset) == size
    assert {*dataset.get_gt_labels()} == {*range(120)}


def test_the_image_with_4_channels_loads_with_3(root):
    dataset = load(root, pipeline=LOAD)
    index = entries(root, 'train')[0].index(DOGS_WITH_4_CHANNELS)
    assert cv2.imread(f'{root}/Images/{DOGS_WITH_4_CHANNELS}', cv2.IMREAD_UNCHANGED).shape == (40, 48, 4)
    assert tuple(dataset[index]['inputs'].shape) == (3, 40, 48)
