"""Turns a labelled dataset into one for generalised category discovery."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmpretrain.registry import DATASETS
from torch.utils.data import Dataset

from ..datasets import dataset_labels
from ..errors import ConfigError, DataError, did_you_mean
from .aggregation import UNLABELLED

SUBSETS = ('all', 'unlabelled')


@DATASETS.register_module()
class CategoryDiscovery(Dataset):
    """A dataset with known and unknown classes, in which part of the known images is labelled (Vaze et al., CVPR 2022).

    Classes are renumbered: the known ones first, in their order. In the subset 'all', for training, unlabelled images
    have the label -1, so that no loss can read theirs. The subset 'unlabelled', for evaluation, has the true labels.

    Args:
        dataset (dict): Config of an MMPretrain dataset with one label per image.
        num_known (int): Number of known classes, at least 1 and fewer than all.
        known_classes (Sequence[int | str] | str, optional): Their indices or names, or a text file with one per line.
            None: drawn with `seed`.
        labelled_fraction (float): Labelled share of the known classes' images, in (0, 1), drawn with `seed` over all
            known classes together.
        seed (int): Seed of both draws.
        subset (str): 'all' or 'unlabelled'.

    Raises:
        ConfigError: If a setting is out of range, or a class is unknown or listed twice.
        DataError: If the file of classes cannot be read.
    """

    def __init__(
        self,
        dataset: dict,
        num_known: int,
        known_classes: Sequence[int | str] | str | None = None,
        labelled_fraction: float = 0.5,
        seed: int = 0,
        subset: str = 'all',
    ) -> None:
        if subset not in SUBSETS:
            raise ConfigError(f'CategoryDiscovery: {subset=}: expected one of {", ".join(SUBSETS)}')
        if not 0 < labelled_fraction < 1:
            raise ConfigError(f'CategoryDiscovery: {labelled_fraction=}: expected a number between 0 and 1')
        self.dataset = DATASETS.build(dataset)
        names = list(self.dataset.metainfo['classes'])
        known = choose_known(names, num_known, known_classes, seed)
        order = known + sorted(set(range(len(names))) - set(known))
        classes = tuple(names[label] for label in order)
        self.metainfo = {**self.dataset.metainfo, 'classes': classes, 'num_known': num_known}
        self.labels = np.argsort(order)[dataset_labels(self.dataset)]  # argsort: the inverse permutation
        self.is_labelled = draw_labelled(self.labels, num_known, labelled_fraction, seed)
        self.subset = subset
        keep = ~self.is_labelled if subset == 'unlabelled' else np.ones(len(self.labels), dtype=bool)
        self.indices = np.flatnonzero(keep)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> dict[str, Any]:
        item = self.dataset[int(self.indices[index])]
        item['data_samples'].set_gt_label(self._label(index)).set_metainfo(dict(sample_idx=int(index)))
        return item

    def get_data_info(self, index: int) -> dict[str, Any]:
        """Information about an image without opening it, with the label of the subset."""
        info = self.dataset.get_data_info(int(self.indices[index]))
        return {**info, 'gt_label': self._label(index), 'sample_idx': int(index)}

    def _label(self, index: int) -> int:
        image = self.indices[index]
        hidden = self.subset == 'all' and not self.is_labelled[image]
        return UNLABELLED if hidden else int(self.labels[image])


def choose_known(
    names: Sequence[str], num_known: int, known: Sequence[int | str] | str | None = None, seed: int = 0
) -> list[int]:
    """Indices of the known classes: listed, in the order of the list, or drawn with a seed and sorted.

    Raises:
        ConfigError: If no class is left to discover, or the list has unknown, repeated or too many classes.
        DataError: If the file cannot be read.
    """
    if not 0 < num_known < len(names):
        raise ConfigError(f'CategoryDiscovery: {num_known=} of {len(names)} classes: expected 1 to {len(names) - 1}')
    if known is None:
        return sorted(np.random.default_rng(seed).choice(len(names), num_known, replace=False).tolist())
    listed = _read_list(known) if isinstance(known, str) else list(known)
    indices = [_class_index(entry, names) for entry in listed]
    if len(set(indices)) != len(indices) or len(indices) != num_known:
        raise ConfigError(f'CategoryDiscovery: known_classes must have {num_known=} different entries, got {listed}')
    return indices


def draw_labelled(labels: np.ndarray, num_known: int, fraction: float, seed: int) -> np.ndarray:
    """Draw the labelled images: `int(fraction n)` of the n images of known classes, not stratified.

    The draw equals that of the public code: seed 0 and the published known classes of CUB give its labelled images.

    Args:
        labels (np.ndarray): (N,), class indices, the known classes first.
        num_known (int): Number of known classes.
        fraction (float): Labelled share, in (0, 1).
        seed (int): Seed of the draw.

    Returns:
        np.ndarray: (N,) bool.
    """
    candidates = np.flatnonzero(labels < num_known)
    is_labelled = np.zeros(len(labels), dtype=bool)
    rng = np.random.RandomState(seed)
    is_labelled[rng.choice(candidates, int(fraction * len(candidates)), replace=False)] = True
    return is_labelled


def _class_index(entry: int | str, names: Sequence[str]) -> int:
    if isinstance(entry, int | np.integer) or entry.isdecimal():
        if 0 <= int(entry) < len(names):
            return int(entry)
    elif entry in names:
        return list(names).index(entry)
    hint = did_you_mean(entry, names)
    raise ConfigError(f'CategoryDiscovery: known_classes has {entry!r}, which is no class{hint}')


def _read_list(file: str) -> list[str]:
    try:
        lines = Path(file).expanduser().read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f'{file}: cannot be read as a list of known classes, one per line ({error})') from error
    return [line.strip() for line in lines if line.strip()]
