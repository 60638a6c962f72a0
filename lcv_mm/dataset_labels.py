"""The class of each image of a dataset."""

from contextlib import suppress
from typing import Any

import numpy as np
from torch.utils.data import ConcatDataset, Subset

from .errors import ConfigError


def dataset_labels(dataset: Any) -> np.ndarray:
    """Class index of every image; opens no image file.

    Args:
        dataset: An MMPretrain dataset, possibly in a wrapper of MMEngine, MMPretrain or torch; or any object with
            a length and `get_data_info(idx)['gt_label']`, or `targets` (as in torchvision's datasets).

    Returns:
        np.ndarray: (N,) int64, in the order of the dataset's indices.

    Raises:
        ConfigError: If the dataset provides no labels, an image has none or several, or labels are not integers.

    Examples:
        >>> from types import SimpleNamespace
        >>> dataset_labels(SimpleNamespace(targets=[2, 0, 1]))
        array([2, 0, 1])
    """
    if isinstance(dataset, Subset):
        return dataset_labels(dataset.dataset)[np.asarray(dataset.indices, dtype=np.int64)]
    if isinstance(dataset, ConcatDataset):  # torch's; MMEngine's is a subclass of it
        return np.concatenate([dataset_labels(part) for part in dataset.datasets])
    name = type(dataset).__name__
    labels = [np.ravel(label) for label in _read_labels(dataset)]
    several = next((idx for idx, values in enumerate(labels) if len(values) != 1), None)
    if several is not None:
        raise ConfigError(f'{name} cannot be grouped by class: image {several} has {len(labels[several])} labels')
    array = np.array([values[0] for values in labels])
    if labels and array.dtype.kind not in 'iu':
        raise ConfigError(f'{name} has labels such as {array[0]!r}; expected class indices: integers from 0')
    return array.astype(np.int64)


def _read_labels(dataset: Any) -> list[Any]:
    """Read the label of each image from the metadata: a class index or a list of them."""
    if hasattr(dataset, 'get_data_info'):
        with suppress(KeyError):
            return [dataset.get_data_info(idx)['gt_label'] for idx in range(len(dataset))]
    if hasattr(dataset, 'targets'):
        return [*dataset.targets]
    raise ConfigError(
        f'{type(dataset).__name__} has no labels: expected get_data_info(idx) with a `gt_label`, or `targets`; give '
        'the sampler `labels`'
    )
