"""CUB200: reads the archive's layout, and says what is wrong with a damaged one."""

from pathlib import Path

import cv2
import pytest
from layouts import CUB_GREYSCALE, CUB_STRAY, copy_to_damage, data_error, edit, make_cub
from mmpretrain.datasets import CUB

from lcv_mm.datasets.cub200 import CUB200


@pytest.fixture(scope='module')
def original(tmp_path_factory) -> Path:
    return make_cub(tmp_path_factory.mktemp('data') / 'CUB_200_2011')


@pytest.fixture
def root(original, tmp_path) -> Path:
    """A small CUB_200_2011 folder, as the archive unpacks it; three images of each class, the first one of the test."""
    return copy_to_damage(original, tmp_path / 'CUB_200_2011')


@pytest.mark.parametrize('split', ['train', 'test'])
def test_it_reads_what_mmpretrain_reads(root, split):
    ours, theirs = CUB200(data_root=str(root), split=split), CUB(data_root=str(root), split=split)
    assert [ours[i] for i in range(len(ours))] == [theirs[i] for i in range(len(theirs))]
    assert ours.metainfo == theirs.metainfo


def test_a_list_that_lacks_an_image_is_an_error(root):
    edit(root / 'image_class_labels.txt', '\n3 1\n', '\n')
    assert 'a list cannot be read (KeyError: 2)' in data_error(CUB200, root)


def test_cubs_greyscale_image_loads_with_3_channels_and_its_strays_not_at_all(root):
    dataset = CUB200(str(root), pipeline=[dict(type='LoadImageFromFile'), dict(type='PackInputs')])
    images = [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
    assert cv2.imread(f'{root}/images/{CUB_GREYSCALE}', cv2.IMREAD_UNCHANGED).shape == (40, 48)
    assert tuple(dataset[images.index(f'{root}/images/{CUB_GREYSCALE}')]['inputs'].shape) == (3, 40, 48)
    assert len(images) == 400
    assert not {f'{root}/images/{name}' for name in CUB_STRAY} & {*images}
