"""Labels from the metadata of every kind of dataset and wrapper."""

from collections import Counter
from itertools import chain

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset as EngineDataset
from mmengine.dataset import ClassBalancedDataset, ConcatDataset, RepeatDataset
from mmpretrain.datasets import CustomDataset, KFoldDataset, MultiLabelDataset
from torch.utils.data import ConcatDataset as TorchConcatDataset
from torch.utils.data import RandomSampler, Subset, SubsetRandomSampler, TensorDataset

from lcv_mm.datasets import ClassBalancedBatchSampler, dataset_labels
from lcv_mm.errors import ConfigError

LABELS = [2, 0, 1, 1, 0, 2, 2]


def annotations(tmp_path, labels, name='list.txt'):
    """An annotation file whose images do not exist: decoding one would fail."""
    file = tmp_path / name
    file.write_text(''.join(f'img{i}.jpg {label}\n' for i, label in enumerate(labels)))
    classes = [str(label) for label in range(max(labels) + 1)]
    return {'ann_file': str(file), 'data_root': str(tmp_path), 'metainfo': {'classes': classes}}


class Listed(EngineDataset):
    """A dataset of MMEngine alone, whose `get_cat_ids` is left unwritten, with labels of any form."""

    def __init__(self, labels):
        self.given = labels
        super().__init__()

    def load_data_list(self):
        return [{'img_path': 'none.jpg'} | ({} if label is None else {'gt_label': label}) for label in self.given]


@pytest.mark.parametrize('lazy_init', [False, True])
def test_labels_are_read_through_the_wrappers_of_the_toolbox(tmp_path, lazy_init):
    listed = CustomDataset(**annotations(tmp_path, LABELS), lazy_init=lazy_init)
    assert dataset_labels(listed).dtype == np.int64
    assert dataset_labels(listed).tolist() == LABELS
    other = CustomDataset(**annotations(tmp_path, [1, 2], 'other.txt'))
    assert dataset_labels(ConcatDataset([listed, other], lazy_init=lazy_init)).tolist() == [*LABELS, 1, 2]
    assert dataset_labels(RepeatDataset(listed, times=3, lazy_init=lazy_init)).tolist() == LABELS * 3
    rare = CustomDataset(**annotations(tmp_path, [0] * 9 + [1], 'rare.txt'))
    balanced = ClassBalancedDataset(rare, oversample_thr=0.4, lazy_init=lazy_init)
    assert dataset_labels(balanced).tolist() == [0] * 9 + [1, 1]  # sqrt(0.4 / 0.1) = 2 times
    fold = KFoldDataset(dict(type=CustomDataset, **annotations(tmp_path, LABELS)), fold=1, num_splits=3, seed=3)
    assert 0 < len(fold) < len(LABELS)
    assert dataset_labels(fold).tolist() == [fold.get_data_info(i)['gt_label'] for i in range(len(fold))]


def test_labels_are_read_through_nested_wrappers_of_torch():
    part = Subset(Listed(LABELS), [5, 0, 2])
    assert dataset_labels(part).tolist() == [2, 2, 1]
    assert dataset_labels(Subset(part, range(1, 3))).tolist() == [2, 1]
    assert dataset_labels(Subset(part, [])).tolist() == []
    assert dataset_labels(TorchConcatDataset([part, Listed(LABELS)])).tolist() == [2, 2, 1, *LABELS]


def test_a_label_may_be_a_scalar_or_a_sequence_of_one_but_must_be_an_index():
    for form in (np.int64, torch.tensor, lambda label: [label], lambda label: np.array([label])):
        assert dataset_labels(Listed([form(2), form(0)])).tolist() == [2, 0]
    for label in ('cat', 0.5):
        with pytest.raises(ConfigError, match='Listed has labels such as .*; expected class indices'):
            dataset_labels(Listed([label]))


def test_labels_are_torchvisions_targets_or_those_given():
    images = TensorDataset(torch.zeros(8))
    images.targets = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    assert dataset_labels(Subset(images, [7, 0])).tolist() == [3, 0]
    other = [0, 1, 0, 1, 0, 1, 0, 1]
    for given, labels in ((None, images.targets.tolist()), (other, other)):
        batches = [*ClassBalancedBatchSampler(RandomSampler(images), batch_size=4, labels=given)]
        assert sorted(chain(*batches)) == [*range(8)]
        assert Counter(labels[index] for index in batches[0]).most_common()[-1][1] == 2
    batches = [*ClassBalancedBatchSampler(SubsetRandomSampler(range(8)), batch_size=4, labels=other)]
    assert [sorted(other[index] for index in batch) for batch in batches] == [[0, 0, 1, 1]] * 2


def test_a_multi_label_dataset_is_refused():
    class Several(MultiLabelDataset):
        def load_data_list(self):
            return [{'img_path': 'none.jpg', 'gt_label': label} for label in ([1], [0, 2])]

    with pytest.raises(ConfigError, match='Several cannot be grouped by class: image 1 has 2 labels'):
        dataset_labels(Several(ann_file=''))
