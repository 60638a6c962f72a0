"""CUB200: reads the archive's layout, and says what is wrong with a damaged one."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from layouts import CUB_GREYSCALE, CUB_STRAY, data_error, edit, make_cub
from mmpretrain.datasets import CUB

from lcv_mm.datasets.cub200 import CUB200

# id, image, label, 1 = train
IMAGES = [
    (1, '001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg', 1, 0),
    (2, '001.Black_footed_Albatross/Black_Footed_Albatross_0009_34.jpg', 1, 1),
    (3, '001.Black_footed_Albatross/Black_Footed_Albatross_0002_55.jpg', 1, 1),
    (4, '002.Laysan_Albatross/Laysan_Albatross_0001_545.jpg', 2, 0),
    (5, '002.Laysan_Albatross/Laysan_Albatross_0003_1033.jpg', 2, 1),
    (6, '200.Common_Yellowthroat/Common_Yellowthroat_0003_190521.jpg', 200, 1),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small CUB_200_2011 folder, as the archive unpacks it."""
    folder = tmp_path / 'data' / 'CUB_200_2011'
    for _, name, _, _ in IMAGES:
        (folder / 'images' / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / 'images' / name), np.full((8, 8, 3), 128, np.uint8))
    write(folder / 'images.txt', [f'{key} {name}' for key, name, _, _ in IMAGES])
    write(folder / 'image_class_labels.txt', [f'{key} {label}' for key, _, label, _ in IMAGES])
    write(folder / 'train_test_split.txt', [f'{key} {train}' for key, _, _, train in IMAGES])
    return folder


def write(file: Path, lines: list[str]) -> None:
    file.write_text('\n'.join(lines) + '\n')


@pytest.mark.parametrize('split', ['train', 'test'])
def test_it_reads_what_mmpretrain_reads(root, split):
    ours, theirs = CUB200(data_root=str(root), split=split), CUB(data_root=str(root), split=split)
    assert [ours[i] for i in range(len(ours))] == [theirs[i] for i in range(len(theirs))]
    assert ours.metainfo == theirs.metainfo


@pytest.mark.parametrize(
    ('name', 'old', 'new', 'says'),
    [
        ('image_class_labels', '3 1\n', '', '1 ids are in images.txt or image_class_labels.txt alone, such as 3'),
        ('images', '3 001', '001', "images.txt, line 3: expected '<id> <value>', found '001.Black"),
        ('train_test_split', '\n5 ', '\n4 ', 'train_test_split.txt, line 5: id 4 is there twice'),
        ('train_test_split', '4 0\n', '4 2\n', r"split.txt, id 4: expected 0 \(test\) or 1 \(train\), found '2'"),
        ('image_class_labels', '4 2\n', '4 201\n', "id 4: .* 1 to 200, the number of classes, found '201'"),
    ],
)
def test_a_wrong_line_of_a_list_is_named(root, name, old, new, says):
    edit(root / f'{name}.txt', old, new)
    assert re.search(says, data_error(CUB200, root))


def test_cubs_greyscale_image_loads_with_3_channels_and_its_strays_not_at_all(tmp_path):
    root = make_cub(tmp_path / 'CUB_200_2011')
    dataset = CUB200(str(root), pipeline=[dict(type='LoadImageFromFile'), dict(type='PackInputs')])
    images = [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
    assert cv2.imread(f'{root}/images/{CUB_GREYSCALE}', cv2.IMREAD_UNCHANGED).shape == (40, 48)
    assert tuple(dataset[images.index(f'{root}/images/{CUB_GREYSCALE}')]['inputs'].shape) == (3, 40, 48)
    assert len(images) == 400
    assert not {f'{root}/images/{name}' for name in CUB_STRAY} & {*images}
