"""StanfordDogs: its splits are those of the archive's lists."""

from pathlib import Path

import pytest
from layouts import make_stanford_dogs
from scipy.io import loadmat

from lcv_mm.datasets import StanfordDogs
from lcv_mm.errors import ConfigError


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


def test_there_is_no_validation_split(root):
    with pytest.raises(ConfigError, match="no split='val'; it has 'train' and 'test'"):
        StanfordDogs(str(root), 'val')
