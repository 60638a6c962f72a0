"""StanfordDogs: its splits are those of the archive's lists."""

from pathlib import Path

import cv2
import pytest
from layouts import DOGS_WITH_4_CHANNELS, make_stanford_dogs
from scipy.io import loadmat

from lcv_mm.datasets import StanfordDogs

LOAD = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]


@pytest.fixture(scope='module')
def root(tmp_path_factory) -> Path:
    """A small copy with all 120 breeds: 240 training and 120 test images; not to be changed."""
    return make_stanford_dogs(tmp_path_factory.mktemp('data') / 'stanford_dogs')


@pytest.mark.parametrize(('split', 'size'), [('train', 240), ('test', 120)])
def test_a_split_holds_what_its_list_holds(root, split, size):
    dataset = StanfordDogs(str(root), split)
    held = loadmat(root / f'{split}_list.mat')
    images = [f'{root}/Images/{cell.item().item()}' for cell in held['file_list']]
    assert [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))] == images
    assert dataset.get_gt_labels().tolist() == [label - 1 for label in held['labels'].ravel()]
    assert (len(dataset), {*dataset.get_gt_labels()}) == (size, {*range(120)})


def test_the_image_with_4_channels_loads_with_3(root):
    dataset = StanfordDogs(str(root), pipeline=LOAD)
    file = f'{root}/Images/{DOGS_WITH_4_CHANNELS}'
    images = [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
    assert cv2.imread(file, cv2.IMREAD_UNCHANGED).shape == (40, 48, 4)
    assert tuple(dataset[images.index(file)]['inputs'].shape) == (3, 40, 48)
