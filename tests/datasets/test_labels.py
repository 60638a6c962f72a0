"""Labels come from the metadata of every kind of dataset and wrapper."""

import time

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset as EngineDataset
from mmengine.dataset import ClassBalancedDataset, ConcatDataset, RepeatDataset
from mmpretrain.datasets import BaseDataset, CustomDataset, KFoldDataset, MultiLabelDataset
from torch.utils.data import ConcatDataset as TorchConcatDataset
from torch.utils.data import Subset, TensorDataset

from lcv_mm.datasets import dataset_labels
from lcv_mm.errors import ConfigError

LABELS = [2, 0, 1, 1, 0, 2, 2]


def annotations(tmp_path, labels, name='list.txt'):
    """An annotation file whose images do not exist: decoding one would fail."""
    file = tmp_path / name
    file.write_text(''.join(f'img{i}.jpg {label}\n' for i, label in enumerate(labels)))
    return {'ann_file': str(file), 'data_root': str(tmp_path), 'metainfo': {'classes': ['a', 'b', 'c']}}


@pytest.fixture
def dataset(tmp_path):
    return CustomDataset(**annotations(tmp_path, LABELS))


class EngineLabels(EngineDataset):
    """A dataset of MMEngine alone, whose `get_cat_ids` is left unwritten."""

    def load_data_list(self):
        return [{'img_path': 'none.jpg', 'gt_label': label} for label in LABELS]


class Unlabelled(EngineDataset):
    def load_data_list(self):
        return [{'img_path': 'none.jpg'}]


class InfoLabels(BaseDataset):
    """MMPretrain's dataset with labels of any form."""

    def __init__(self, labels):
        self.given = labels
        super().__init__(ann_file='')

    def load_data_list(self):
        return [{'img_path': 'none.jpg', 'gt_label': label} for label in self.given]


class OnlyCatIds:
    def __len__(self):
        return len(LABELS)

    def get_cat_ids(self, idx):
        return [LABELS[idx]]


class OnlyGtLabels:
    def __len__(self):
        return len(LABELS)

    def get_gt_labels(self):
        return np.array(LABELS)


def test_labels_are_int64_in_the_order_of_the_dataset(dataset):
    labels = dataset_labels(dataset)
    assert labels.dtype == np.int64
    assert labels.tolist() == LABELS


def test_a_lazy_dataset_is_initialised(tmp_path):
    lazy = CustomDataset(**annotations(tmp_path, LABELS), lazy_init=True)
    assert dataset_labels(lazy).tolist() == LABELS


@pytest.mark.parametrize('kind', [EngineLabels, OnlyCatIds, OnlyGtLabels])
def test_one_of_the_three_ways_is_enough(kind):
    assert dataset_labels(kind()).tolist() == LABELS


@pytest.mark.parametrize('lazy_init', [False, True])
def test_wrappers_of_mmengine(dataset, tmp_path, lazy_init):
    other = CustomDataset(**annotations(tmp_path, [1, 1], 'other.txt'))
    assert dataset_labels(ConcatDataset([dataset, other], lazy_init=lazy_init)).tolist() == [*LABELS, 1, 1]
    assert dataset_labels(RepeatDataset(dataset, times=3, lazy_init=lazy_init)).tolist() == LABELS * 3
    rare = CustomDataset(**annotations(tmp_path, [0] * 9 + [1], 'rare.txt'))
    balanced = ClassBalancedDataset(rare, oversample_thr=0.4, lazy_init=lazy_init)
    assert dataset_labels(balanced).tolist() == [0] * 9 + [1, 1]  # sqrt(0.4 / 0.1) = 2 times


def test_a_fold_has_the_labels_of_its_images(tmp_path):
    config = dict(type=CustomDataset, **annotations(tmp_path, LABELS))
    fold = KFoldDataset(config, fold=1, num_splits=3, seed=3)
    assert 0 < len(fold) < len(LABELS)
    assert dataset_labels(fold).tolist() == [fold.get_data_info(i)['gt_label'] for i in range(len(fold))]


def test_wrappers_of_torch_nest(dataset):
    part = Subset(dataset, [5, 0, 2])
    assert dataset_labels(part).tolist() == [2, 2, 1]
    assert dataset_labels(Subset(part, range(1, 3))).tolist() == [2, 1]
    assert dataset_labels(Subset(part, [])).tolist() == []
    assert dataset_labels(TorchConcatDataset([part, dataset])).tolist() == [2, 2, 1, *LABELS]


@pytest.mark.parametrize('form', [np.int64, torch.tensor, lambda label: [label], lambda label: np.array([label])])
def test_one_label_may_be_a_scalar_or_a_sequence_of_one(form):
    assert dataset_labels(InfoLabels([form(2), form(0)])).tolist() == [2, 0]


def test_twelve_thousand_images_take_no_time(tmp_path):
    dataset = CustomDataset(**annotations(tmp_path, [i % 3 for i in range(12000)]))
    start = time.perf_counter()
    labels = dataset_labels(dataset)
    assert time.perf_counter() - start < 2
    assert np.bincount(labels).tolist() == [4000] * 3


@pytest.mark.parametrize('make', [lambda: TensorDataset(torch.zeros(3)), Unlabelled, lambda: [1, 2]])
def test_a_dataset_without_labels_is_refused(make):
    with pytest.raises(ConfigError, match=r'offers no labels: expected get_data_info.*use an MMPretrain dataset with'):
        dataset_labels(make())


def test_an_unlabelled_mmpretrain_dataset_is_refused(tmp_path):
    (tmp_path / 'img0.jpg').touch()
    dataset = CustomDataset(data_root=str(tmp_path), with_label=False)
    assert len(dataset) == 1
    with pytest.raises(ConfigError, match='CustomDataset offers no labels'):
        dataset_labels(dataset)


@pytest.mark.parametrize('wrap', [lambda dataset: dataset, lambda dataset: RepeatDataset(dataset, times=2)])
def test_a_multi_label_dataset_is_refused(wrap):
    class Several(MultiLabelDataset):
        def load_data_list(self):
            return [{'img_path': 'none.jpg', 'gt_label': label} for label in ([1], [0, 2])]

    with pytest.raises(ConfigError, match='Several gives 2 labels for image 1; expected one class per image'):
        dataset_labels(wrap(Several(ann_file='')))


@pytest.mark.parametrize('label', ['cat', 0.5])
def test_a_label_that_is_no_index_is_refused(label):
    with pytest.raises(ConfigError, match='InfoLabels has labels such as .*; expected class indices'):
        dataset_labels(InfoLabels([label]))
