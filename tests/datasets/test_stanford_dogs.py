"""StanfordDogs: reads the archives' layout, and says what is wrong with a damaged one."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from layouts import (
    DOGS_FOLDERS,
    DOGS_WITH_4_CHANNELS,
    make_stanford_dogs,
    write_dogs_list,
)
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES
from mmpretrain.registry import DATASETS
from scipy.io import loadmat, savemat

from lcv_mm.datasets import StanfordDogs
from lcv_mm.errors import ConfigError, DataError

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


def rewrite(root: Path, split: str, place: int, name: str | None = None, label: float | None = None) -> None:
    """Change the image or the label of one entry of a list, counted from 0."""
    names, labels = entries(root, split)
    names[place] = names[place] if name is None else name
    labels[place] = labels[place] if label is None else label
    write_dogs_list(root / f'{split}_list.mat', names, labels)


def message(data_root: Path | str, split: str = 'train') -> str:
    """The message of the DataError that loading ends with."""
    with pytest.raises(DataError) as caught:
        StanfordDogs(data_root=str(data_root), split=split)
    return str(caught.value)


@pytest.mark.parametrize(('split', 'size'), [('train', 240), ('test', 120)])
def test_a_split_holds_what_its_list_holds(root, split, size):
    dataset = load(root, split)
    loaded = [(info['img_path'], info['gt_label']) for info in (dataset.get_data_info(i) for i in range(len(dataset)))]
    names, labels = entries(root, split)
    assert loaded == [(f'{root}/Images/{name}', label - 1) for name, label in zip(names, labels, strict=True)]
    assert len(dataset) == size
    assert {*dataset.get_gt_labels()} == {*range(120)}


def test_the_splits_share_no_image(root):
    paths = [{info['img_path'] for info in load(root, split)} for split in ('train', 'test')]
    assert not paths[0] & paths[1]


def test_a_class_is_named_as_its_folder(root):
    dataset = load(root, 'test')
    for info in dataset:
        folder = Path(info['img_path']).parent.name
        assert folder.partition('-')[2] == dataset.CLASSES[info['gt_label']]


def test_it_has_imagenets_dogs_but_the_dalmatian_as_its_120_classes():
    dogs = [name.partition(',')[0] for name in IMAGENET_CATEGORIES[151:269] + IMAGENET_CATEGORIES[273:276]]
    classes = StanfordDogs.METAINFO['classes']
    assert classes == tuple(name.replace(' ', '_') for name in dogs if name != 'dalmatian')
    assert len({*classes}) == len(classes) == 120


def test_the_folders_of_the_small_copy_are_sorted():
    assert sorted({*DOGS_FOLDERS}) == DOGS_FOLDERS


def test_it_is_built_by_its_name_from_the_registry(root):
    dataset = DATASETS.build(dict(type='StanfordDogs', data_root=str(root), split='test'))
    assert type(dataset) is StanfordDogs
    assert len(dataset) == 120


def test_the_repr_names_root_and_split(root):
    text = repr(load(root, 'test'))
    assert 'Dataset StanfordDogs\n    Number of samples: \t120\n    Number of categories: \t120\n' in text
    assert f'    Root of dataset: \t{root}\n    Split: \ttest' in text


def test_only_the_test_split_is_in_test_mode_unless_said_otherwise(root):
    assert not load(root, 'train').test_mode
    assert load(root, 'test').test_mode
    assert not load(root, 'test', test_mode=False).test_mode


def test_the_image_with_4_channels_loads_with_3(root):
    dataset = load(root, pipeline=LOAD)
    index = entries(root, 'train')[0].index(DOGS_WITH_4_CHANNELS)
    assert cv2.imread(f'{root}/Images/{DOGS_WITH_4_CHANNELS}', cv2.IMREAD_UNCHANGED).shape == (40, 48, 4)
    assert tuple(dataset[index]['inputs'].shape) == (3, 40, 48)


def test_a_root_that_begins_with_a_tilde_is_the_home(root, monkeypatch):
    monkeypatch.setenv('HOME', str(root.parent))
    assert len(load('~/stanford_dogs')) == 240


def test_lazy_init_checks_nothing_before_the_first_use(tmp_path):
    dataset = StanfordDogs(str(tmp_path / 'absent'), lazy_init=True)
    with pytest.raises(DataError, match='the folder does not exist'):
        len(dataset)


def test_a_subset_of_the_breeds_is_read(root):
    for split in ('train', 'test'):
        names, labels = entries(root, split)
        kept = [place for place, label in enumerate(labels) if label in (3, 7, 120)]
        write_dogs_list(root / f'{split}_list.mat', [names[i] for i in kept], [labels[i] for i in kept])
    assert load(root, 'test').get_gt_labels().tolist() == [2, 6, 119]


def test_a_list_of_one_image_is_read(root):
    write_dogs_list(root / 'test_list.mat', entries(root, 'test')[0][:1], [1])
    assert len(load(root, 'test')) == 1


def test_an_unknown_split_names_the_valid_ones(root):
    with pytest.raises(ConfigError, match="split='val', but StanfordDogs has the splits 'train' and 'test'"):
        load(root, 'val')


def test_a_missing_root_says_where_it_looked_and_what_to_do(tmp_path):
    text = message(tmp_path / 'dogs')
    assert f'StanfordDogs in {tmp_path}/dogs: ' in text
    assert 'expected Images/, train_list.mat, test_list.mat in this folder; the folder does not exist' in text
    assert 'the archives images.tar and lists.tar (vision.stanford.edu/aditya86/ImageNetDogs)' in text
    assert 'tools/prepare_data.py dogs`' in text
    assert f'unpack both so that {tmp_path}/dogs/Images and {tmp_path}/dogs/train_list.mat exist' in text
    assert '--cfg-options train_dataloader.dataset.data_root=' in text


@pytest.mark.parametrize('name', ['Images', 'train_list.mat', 'test_list.mat'])
@pytest.mark.parametrize('split', ['train', 'test'])
def test_what_is_missing_is_named(root, name, split):
    (root / name).rename(root / 'elsewhere')
    assert f'missing: {name}{"/" * (name == "Images")}. ' in message(root, split)


def test_a_root_one_level_too_high_names_the_folder_inside(root):
    assert f'{root} holds train_list.mat: data_root={str(root)!r} would be right' in message(root.parent)


@pytest.mark.parametrize('inner', ['Images', 'absent'])
def test_a_root_one_level_too_low_names_the_folder_around_it(root, inner):
    assert f'{root} holds train_list.mat: data_root={str(root)!r} would be right' in message(root / inner)


def test_a_folder_with_only_the_lists_is_not_called_right(root):
    (root / 'lists').mkdir()
    for name in StanfordDogs.LISTS:
        (root / name).rename(root / 'lists' / name)
    assert 'would be right' not in message(root)


def test_a_list_that_is_no_mat_file_is_named(root):
    (root / 'train_list.mat').write_text('<html>404 Not Found</html>' * 20)
    assert f'{root}/train_list.mat is damaged or not a MATLAB file (' in message(root)


@pytest.mark.parametrize('kept', [0, 100, 1000])
def test_a_list_that_was_cut_off_is_named(root, kept):
    (root / 'test_list.mat').write_bytes((root / 'test_list.mat').read_bytes()[:kept])
    assert f'{root}/test_list.mat is damaged or not a MATLAB file (' in message(root)


def test_a_list_without_its_variables_names_them(root):
    savemat(root / 'train_list.mat', {'annotations': [1, 2]})
    assert f'{root}/train_list.mat lacks the variables file_list, labels. ' in message(root)


def test_a_list_with_fewer_labels_than_images_is_refused(root):
    names, labels = entries(root, 'train')
    write_dogs_list(root / 'train_list.mat', names, labels[:-1])
    assert 'train_list.mat: file_list has 240 entries and labels has 239' in message(root)


def test_an_empty_list_is_refused(root):
    write_dogs_list(root / 'test_list.mat', [], [])
    assert 'test_list.mat: file_list has 0 entries and labels has 0' in message(root)


@pytest.mark.parametrize(
    ('label', 'shown'), [(0, '0.0'), (121, '121.0'), (-1, '-1.0'), (1.5, '1.5'), (float('nan'), 'nan')]
)
def test_a_label_that_is_no_class_is_named(root, label, shown):
    rewrite(root, 'train', 4, label=label)
    expected = 'a whole number from 1 to 120, the number of classes'
    assert f'train_list.mat: labels, entry 5: expected {expected}, found {shown}. ' in message(root)


def test_labels_that_are_no_numbers_are_refused(root):
    savemat(root / 'train_list.mat', {**loadmat(root / 'train_list.mat'), 'labels': np.array([['1']] * 240, object)})
    assert 'train_list.mat: labels holds no numbers. ' in message(root)


def test_entries_that_are_no_text_are_named(root):
    savemat(root / 'train_list.mat', {**loadmat(root / 'train_list.mat'), 'file_list': np.zeros((240, 1))})
    assert "train_list.mat: file_list, entry 1: expected '<folder>/<image>', found " in message(root)


@pytest.mark.parametrize('name', ['x.jpg', '../secret/x.jpg', 'a/b/c.jpg', '../x.jpg', 'n02085620-Chihuahua/'])
def test_an_entry_that_is_no_image_in_a_folder_is_named(root, name):
    rewrite(root, 'train', 2, name=name)
    expected = f"train_list.mat: file_list, entry 3: expected '<folder>/<image>', found {name!r}"
    assert expected in message(root)


def test_an_image_that_is_listed_twice_is_named(root):
    name = entries(root, 'train')[0][0]
    rewrite(root, 'train', 1, name=name)
    assert f'{name} is twice in train_list.mat; each image must be listed once' in message(root)


def test_an_image_in_both_lists_is_named(root):
    name = entries(root, 'train')[0][0]
    rewrite(root, 'test', 0, name=name)
    assert f'{name} is in train_list.mat and in test_list.mat; each image must be listed once' in message(root)


def test_a_folder_with_two_labels_is_named(root):
    rewrite(root, 'test', 5, label=7)
    name = entries(root, 'test')[0][5]
    assert f'test_list.mat: {name} has the label 7, but other images of its folder have 6' in message(root)


def test_labels_in_another_order_than_the_folders_are_refused(root):
    swapped = {1: 2, 2: 1}
    for split in ('train', 'test'):
        names, labels = entries(root, split)
        write_dogs_list(root / f'{split}_list.mat', names, [swapped.get(label, label) for label in labels])
    text = message(root)
    assert 'the labels of train_list.mat and test_list.mat are not in the order of the folders' in text
    assert 'n02085620-Chihuahua has 2, n02085782-Japanese_spaniel has 1' in text


def test_a_label_of_two_folders_is_refused(root):
    for split in ('train', 'test'):
        names, labels = entries(root, split)
        write_dogs_list(root / f'{split}_list.mat', names, [max(label, 2) for label in labels])
    assert 'n02085620-Chihuahua has 2, n02085782-Japanese_spaniel has 2' in message(root)


def test_missing_images_are_counted_and_the_first_are_named(root):
    names = entries(root, 'train')[0]
    for name in names[:5]:
        (root / 'Images' / name).unlink()
    expected = "5 of the 240 images of the split 'train' are missing from Images/, in 3 class folders: "
    assert expected + ', '.join(names[:3]) + ', ...' in message(root)
    assert len(load(root, 'test')) == 120


def test_an_empty_folder_of_images_is_called_so(root):
    (root / 'Images').rename(root / 'elsewhere')
    (root / 'Images').mkdir()
    assert "240 of the 240 images of the split 'train' are missing from Images/, which is empty" in message(root)
