"""CUB200: reads the archive's layout, and says what is wrong with a damaged one."""

from pathlib import Path

import pytest
from layouts import copy_to_damage, data_error, make_cub
from mmpretrain.datasets import CUB

from lcv_mm.datasets.cub200 import CUB200


@pytest.fixture(scope='module')
def root(tmp_path_factory) -> Path:
    """A small CUB_200_2011 folder, as the archive unpacks it, with two images in no list; not to be changed."""
    return make_cub(tmp_path_factory.mktemp('data') / 'CUB_200_2011')


@pytest.mark.parametrize('split', ['train', 'test'])
def test_it_reads_what_mmpretrain_reads(root, split):
    ours, theirs = CUB200(data_root=str(root), split=split), CUB(data_root=str(root), split=split)
    assert [ours[i] for i in range(len(ours))] == [theirs[i] for i in range(len(theirs))]
    assert ours.metainfo == theirs.metainfo


def test_a_list_that_lacks_an_image_is_an_error(root, tmp_path):
    copy = copy_to_damage(root, tmp_path / 'CUB_200_2011')
    labels = copy / 'image_class_labels.txt'
    labels.write_text(labels.read_text().replace('\n3 1\n', '\n'))
    assert 'a list cannot be read (KeyError: 2)' in data_error(CUB200, copy)
