"""CUB200: reads the archive's layout, and says what is wrong with a damaged one."""

import re
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


@pytest.mark.parametrize(
    ('name', 'old', 'new', 'says'),
    [
        ('image_class_labels', '\n3 1\n', '\n', '1 ids are in images.txt or image_class_labels.txt alone, such as 3'),
        ('images', '\n3 001', '\n001', "images.txt, line 3: expected '<id> <value>', found '001.Black"),
        ('train_test_split', '\n5 ', '\n4 ', 'train_test_split.txt, line 5: id 4 is there twice'),
        ('train_test_split', '\n4 0\n', '\n4 2\n', r"split.txt, id 4: expected 0 \(test\) or 1 \(train\), found '2'"),
        ('image_class_labels', '\n4 2\n', '\n4 201\n', "id 4: .* 1 to 200, the number of classes, found '201'"),
    ],
)
def test_a_wrong_line_of_a_list_is_named(root, name, old, new, says):
    edit(root / f'{name}.txt', old, new)
    assert re.search(says, data_error(CUB200, root))


def test_cubs_greyscale_image_loads_with_3_channels_and_its_strays_not_at_all(root):
    dataset = CUB200(str(root), pipeline=[dict(type='LoadImageFromFile'), dict(type='PackInputs')])
    images = [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
    assert cv2.imread(f'{root}/images/{CUB_GREYSCALE}', cv2.IMREAD_UNCHANGED).shape == (40, 48)
    assert tuple(dataset[images.index(f'{root}/images/{CUB_GREYSCALE}')]['inputs'].shape) == (3, 40, 48)
    assert len(images) == 400
    assert not {f'{root}/images/{name}' for name in CUB_STRAY} & {*images}
