"""The labels of a dataset, read from its metadata."""

from contextlib import suppress
from typing import Any

import numpy as np
from mmengine.dataset import RepeatDataset
from torch.utils.data import ConcatDataset, Subset


def dataset_labels(dataset: Any) -> np.ndarray:
    """Class index of every image; no image file is opened.

    Args:
        dataset: An MMPretrain dataset, any wrapper of MMEngine, MMPretrain or torch around one, or any object with
            a length and one of `get_data_info(idx)['gt_label']`, `get_cat_ids(idx)` and `get_gt_labels()`.

    Returns:
        np.ndarray: (N,) int64, in the order of the dataset's indices.

    Raises:
        TypeError: If the dataset offers no labels.
        ValueError: If an image has no label or several, or if the labels are not integers.
    """
    if isinstance(dataset, Subset):
        return dataset_labels(dataset.dataset)[np.asarray(dataset.indices, dtype=np.int64)]
    if isinstance(dataset, ConcatDataset):  # torch's; MMEngine's is a subclass of it
        return np.concatenate([dataset_labels(part) for part in dataset.datasets])
    if isinstance(dataset, RepeatDataset):
        return np.tile(dataset_labels(dataset.dataset), dataset.times)
    name = type(dataset).__name__
    labels = [_single_label(label, name, idx) for idx, label in enumerate(_read_labels(dataset))]
    array = np.array(labels)
    if labels and array.dtype.kind not in 'iu':
        raise ValueError(f'{name} has labels such as {labels[0]!r}; expected class indices: integers from 0')
    return array.astype(np.int64)


def _read_labels(dataset: Any) -> list[Any]:
    """What the metadata says of each image: a class index, or a list of them."""
    # `get_data_info` first: MMPretrain's `get_cat_ids` makes an int of any label, MMEngine's is left to the subclasses.
    if hasattr(dataset, 'get_data_info'):
        with suppress(KeyError):
            return [dataset.get_data_info(idx)['gt_label'] for idx in range(len(dataset))]
    if hasattr(dataset, 'get_cat_ids'):
        with suppress(KeyError, NotImplementedError):
            return [dataset.get_cat_ids(idx) for idx in range(len(dataset))]
    if hasattr(dataset, 'get_gt_labels'):
        with suppress(KeyError):
            return list(dataset.get_gt_labels())
    raise TypeError(
        f'{type(dataset).__name__} offers no labels: expected get_data_info(idx) with a `gt_label`, get_cat_ids(idx) '
        'or get_gt_labels(); use an MMPretrain dataset with labels, or give the class one of these methods'
    )


def _single_label(label: Any, name: str, idx: int) -> Any:
    """The one label of image `idx`: a scalar, or a sequence of length 1."""
    values = np.ravel(label)
    if len(values) != 1:
        raise ValueError(
            f'{name} gives {len(values)} labels for image {idx}; expected one class an image: '
            'a multi-label dataset cannot be grouped by class'
        )
    return values[0]
