"""CUB200: reads the archive's layout, and says what is wrong with a damaged one."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from layouts import CUB_GREYSCALE, CUB_STRAY, make_cub
from mmpretrain.datasets import CUB
from mmpretrain.registry import DATASETS

from lcv_mm.datasets.cub200 import CUB200
from lcv_mm.datasets.image_file import missing_files
from lcv_mm.errors import ConfigError, DataError

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


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def message(data_root: Path | str, split: str = 'train') -> str:
    """The message of the DataError that loading ends with."""
    with pytest.raises(DataError) as caught:
        CUB200(data_root=str(data_root), split=split)
    return str(caught.value)


def test_the_train_split_holds_the_images_marked_1(root):
    dataset = CUB200(data_root=str(root), split='train')
    loaded = [(info['img_path'], info['gt_label']) for info in (dataset.get_data_info(i) for i in range(len(dataset)))]
    assert loaded == [(f'{root}/images/{name}', label - 1) for _, name, label, train in IMAGES if train == 1]


def test_the_test_split_holds_the_images_marked_0(root):
    dataset = CUB200(data_root=str(root), split='test')
    assert [dataset.get_data_info(i)['gt_label'] for i in range(len(dataset))] == [0, 1]


@pytest.mark.parametrize('split', ['train', 'test'])
def test_it_reads_what_mmpretrain_reads(root, split):
    ours, theirs = CUB200(data_root=str(root), split=split), CUB(data_root=str(root), split=split)
    assert [ours[i] for i in range(len(ours))] == [theirs[i] for i in range(len(theirs))]
    assert ours.metainfo == theirs.metainfo


def test_it_has_the_200_class_names(root):
    dataset = CUB200(data_root=str(root))
    assert len(dataset.CLASSES) == 200
    assert dataset.CLASSES[0] == 'Black_footed_Albatross'
    assert dataset.CLASSES[199] == 'Common_Yellowthroat'


def test_it_is_built_by_its_name_from_the_registry(root):
    dataset = DATASETS.build(dict(type='CUB200', data_root=str(root), split='test'))
    assert type(dataset) is CUB200
    assert len(dataset) == 2


def test_the_pipeline_loads_an_image(root):
    dataset = CUB200(data_root=str(root), pipeline=[dict(type='LoadImageFromFile'), dict(type='PackInputs')])
    assert tuple(dataset[0]['inputs'].shape) == (3, 8, 8)


def test_a_root_that_begins_with_a_tilde_is_the_home(root, monkeypatch):
    monkeypatch.setenv('HOME', str(root.parent))
    assert len(CUB200(data_root='~/CUB_200_2011')) == 4


def test_lazy_init_checks_nothing_before_the_first_use(tmp_path):
    dataset = CUB200(data_root=str(tmp_path / 'absent'), lazy_init=True)
    with pytest.raises(DataError, match='the folder does not exist'):
        len(dataset)


def test_windows_line_ends_and_blank_lines_are_read(root):
    for name in CUB200.LISTS:
        (root / name).write_bytes((root / name).read_bytes().replace(b'\n', b'\r\n') + b'\r\n')
    assert len(CUB200(data_root=str(root))) == 4


def test_an_unknown_split_names_the_valid_ones(root):
    with pytest.raises(ConfigError, match="split='val', but CUB200 has the splits 'train' and 'test'"):
        CUB200(data_root=str(root), split='val')


def test_a_missing_root_says_where_it_looked_and_what_to_do(tmp_path):
    text = message(tmp_path / 'CUB')
    assert f'CUB200 in {tmp_path}/CUB: ' in text
    assert 'the folder does not exist' in text
    assert 'expected images/, images.txt, image_class_labels.txt, train_test_split.txt' in text
    assert 'the archive CUB_200_2011.tgz' in text
    assert f'tools/prepare_data.py cub`, or unpack it so that {tmp_path}/CUB/images.txt exists' in text
    assert '--cfg-options train_dataloader.dataset.data_root=' in text


def test_a_relative_root_is_named_in_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert f'CUB200 in {tmp_path}/data/CUB_200_2011: ' in message('data/CUB_200_2011')


@pytest.mark.parametrize('name', ['images.txt', 'image_class_labels.txt', 'train_test_split.txt'])
def test_a_missing_list_is_named(root, name):
    (root / name).unlink()
    assert f'missing: {name}. ' in message(root)


def test_a_missing_folder_of_images_is_named(root):
    (root / 'images').rename(root / 'pictures')
    assert 'missing: images/. ' in message(root)


def test_a_root_one_level_too_high_names_the_folder_inside(root):
    assert f'{root} holds images.txt: data_root={str(root)!r} would be right' in message(root.parent)


@pytest.mark.parametrize('inner', ['images', 'absent'])
def test_a_root_one_level_too_low_names_the_folder_around_it(root, inner):
    assert f'{root} holds images.txt: data_root={str(root)!r} would be right' in message(root / inner)


def test_lists_with_different_ids_are_refused(root):
    edit(root / 'image_class_labels.txt', '3 1\n', '')
    text = message(root)
    assert 'images.txt has 6 ids and image_class_labels.txt has 5' in text
    assert 'the first is id 3' in text


def test_a_line_without_a_value_is_named(root):
    edit(root / 'images.txt', '3 001', '001')
    assert "images.txt, line 3: expected '<id> <value>', found '001.Black" in message(root)


def test_an_id_that_comes_twice_is_named(root):
    edit(root / 'train_test_split.txt', '4 0\n', '3 0\n')
    assert 'train_test_split.txt, line 4: the id 3 comes a second time' in message(root)


@pytest.mark.parametrize('label', ['0', '201', '-1', '1.0', 'Laysan'])
def test_a_label_that_is_no_class_is_named(root, label):
    edit(root / 'image_class_labels.txt', '4 2\n', f'4 {label}\n')
    expected = 'a whole number from 1 to 200, the number of classes'
    assert f'image_class_labels.txt, id 4: expected {expected}, found {label!r}' in message(root)


def test_a_split_other_than_0_and_1_is_named(root):
    edit(root / 'train_test_split.txt', '4 0\n', '4 2\n')
    assert "train_test_split.txt, id 4: expected 0 (test) or 1 (train), found '2'" in message(root)


def test_a_split_without_images_is_refused(root):
    write(root / 'train_test_split.txt', [f'{key} 1' for key, _, _, _ in IMAGES])
    assert "puts no image into the split 'test'" in message(root, 'test')
    assert len(CUB200(data_root=str(root), split='train')) == 6


def test_missing_images_are_counted_and_the_first_are_named(root):
    for _, name, _, train in IMAGES:
        if train:
            (root / 'images' / name).unlink()
    text = message(root)
    assert "4 of the 4 images of the split 'train' are missing from images/, in 3 class folders: " in text
    assert ', '.join(name for _, name, _, train in IMAGES if train) not in text
    assert f'{IMAGES[1][1]}, {IMAGES[2][1]}, {IMAGES[4][1]}, ...' in text


def test_a_missing_class_folder_is_as_its_images_missing(root):
    (root / 'images' / '200.Common_Yellowthroat').rename(root / 'elsewhere')
    assert "1 of the 4 images of the split 'train' are missing" in message(root)


def test_an_image_missing_from_the_other_split_does_no_harm(root):
    (root / 'images' / IMAGES[0][1]).unlink()
    assert len(CUB200(data_root=str(root), split='train')) == 4
    assert IMAGES[0][1] in message(root, 'test')


def test_each_folder_is_listed_once(root, monkeypatch):
    listed = []
    scandir = os.scandir
    monkeypatch.setattr(os, 'scandir', lambda path: listed.append(path) or scandir(path))
    assert missing_files(root / 'images', [name for _, name, _, _ in IMAGES] + ['001.No/x.jpg', '001.No/y.jpg']) == [
        '001.No/x.jpg',
        '001.No/y.jpg',
    ]
    assert len(listed) == 4


def test_cubs_greyscale_image_loads_with_3_channels_and_its_strays_not_at_all(tmp_path):
    root = make_cub(tmp_path / 'CUB_200_2011')
    dataset = CUB200(str(root), pipeline=[dict(type='LoadImageFromFile'), dict(type='PackInputs')])
    images = [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
    assert cv2.imread(f'{root}/images/{CUB_GREYSCALE}', cv2.IMREAD_UNCHANGED).shape == (40, 48)
    assert tuple(dataset[images.index(f'{root}/images/{CUB_GREYSCALE}')]['inputs'].shape) == (3, 40, 48)
    assert len(images) == 400
    assert not {f'{root}/images/{name}' for name in CUB_STRAY} & {*images}
