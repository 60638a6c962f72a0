"""Turns a labelled dataset into one for generalised category discovery."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmpretrain.registry import DATASETS
from torch.utils.data import Dataset

from ..datasets import dataset_labels
from ..errors import ConfigError
from .aggregation import UNLABELLED

SUBSETS = ('all', 'unlabelled')


@DATASETS.register_module()
class CategoryDiscovery(Dataset):
    """A dataset with known and unknown classes; part of the known classes' images is labelled (Vaze et al., 2022).

    Classes are renumbered: the known ones first, in their order. In the subset 'all', for training, unlabelled images
    have the label -1, so that no loss can read theirs. The subset 'unlabelled', for evaluation, has the true labels.
    `targets` holds the labels of the subset.

    Args:
        dataset (dict): Config of an MMPretrain dataset with one label per image.
        num_known (int): Number of known classes, at least 1 and fewer than all.
        known_classes (Sequence[int] | str, optional): Their indices from 0, or a text file with one per line. None:
            drawn with `seed`.
        labelled_fraction (float): Labelled share of the known classes' images, in (0, 1), drawn with `seed` over all
            known classes together. Defaults to 0.5.
        seed (int): Seed of both draws. Defaults to 0.
        subset (str): 'all' or 'unlabelled'. Defaults to 'all'.

    Raises:
        ConfigError: If `subset` is unknown, or `known_classes` are not `num_known` different classes.

    Examples:
        >>> import json, pathlib, tempfile
        >>> images = [dict(img_path='', gt_label=i % 3) for i in range(9)]
        >>> lists = pathlib.Path(tempfile.mkdtemp(), 'lists.json')
        >>> _ = lists.write_text(json.dumps(dict(metainfo=dict(classes='abc'), data_list=images)))
        >>> dataset = CategoryDiscovery(dict(type='BaseDataset', ann_file=str(lists)), num_known=2)
        >>> dataset.targets.tolist()  # half of the known ones is labelled
        [-1, -1, 1, -1, 0, -1, -1, -1, 1]
    """

    def __init__(
        self,
        dataset: dict,
        num_known: int,
        known_classes: Sequence[int] | str | None = None,
        labelled_fraction: float = 0.5,
        seed: int = 0,
        subset: str = 'all',
    ) -> None:
        if subset not in SUBSETS:
            raise ConfigError(f'CategoryDiscovery: {subset=}: expected one of {", ".join(SUBSETS)}')
        self.dataset = DATASETS.build(dataset)
        names = list(self.dataset.metainfo['classes'])
        known = choose_known(len(names), num_known, known_classes, seed)
        order = known + sorted(set(range(len(names))) - set(known))
        classes = tuple(names[label] for label in order)
        self.metainfo = {**self.dataset.metainfo, 'classes': classes, 'num_known': num_known}
        self.labels = np.argsort(order)[dataset_labels(self.dataset)]  # argsort: the inverse permutation
        self.is_labelled = draw_labelled(self.labels, num_known, labelled_fraction, seed)
        self.indices = np.flatnonzero(~self.is_labelled) if subset == 'unlabelled' else np.arange(len(self.labels))
        hidden = ~self.is_labelled & (subset == 'all')
        self.targets = np.where(hidden, UNLABELLED, self.labels)[self.indices]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> dict[str, Any]:
        item = self.dataset[int(self.indices[index])]
        item['data_samples'].set_gt_label(int(self.targets[index])).set_metainfo(dict(sample_idx=int(index)))
        return item


def choose_known(
    num_classes: int, num_known: int, known: Sequence[int] | str | None = None, seed: int = 0
) -> list[int]:
    """Indices of the known classes: listed, in the order of the list, or drawn with a seed and sorted.

    Raises:
        ConfigError: If the list does not have `num_known` different classes.
    """
    if known is None:
        return sorted(np.random.default_rng(seed).choice(num_classes, num_known, replace=False).tolist())
    listed = np.loadtxt(known, dtype=int, ndmin=1).tolist() if isinstance(known, str) else list(known)
    if len(listed) != num_known or not len({*listed} & {*range(num_classes)}) == num_known:
        raise ConfigError(
            f'CategoryDiscovery: known_classes must be {num_known=} different numbers below {num_classes}, got {listed}'
        )
    return listed


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
