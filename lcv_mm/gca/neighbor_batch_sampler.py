"""Samplers for category discovery."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dataset import DefaultSampler
from mmpretrain.registry import DATA_SAMPLERS
from torch.utils.data import BatchSampler, Dataset, Sampler

from ..datasets import dataset_labels
from .aggregation import UNLABELLED


@DATA_SAMPLERS.register_module()
class NeighborBatchSampler(Sampler[list[int]]):
    """Batches of `batch_size` anchors, each with a uniformly drawn neighbour: 2 * `batch_size` indices, anchors first.

    Without a graph, each image is its own neighbour, which gives the two views of contrastive learning. The draws
    depend only on the sampler's seed, epoch and rank, so a resumed run draws the same neighbours.

    Args:
        sampler (Sampler): MMEngine's `DefaultSampler`, or another with `seed` and `epoch`.
        batch_size (int): Anchors per batch.
        drop_last (bool): Drop the last batch if it is not full. Defaults to True, as published.

    Examples:
        >>> from mmengine.dataset import DefaultSampler
        >>> batches = NeighborBatchSampler(DefaultSampler(range(4), shuffle=False), batch_size=2)
        >>> batches.set_graph(np.array([[1], [0], [3], [2]]))
        >>> list(batches)
        [[0, 1, 1, 0], [2, 3, 3, 2]]
    """

    def __init__(self, sampler: DefaultSampler, batch_size: int, drop_last: bool = True) -> None:
        self.sampler = sampler
        self.batches = BatchSampler(sampler, batch_size, drop_last)
        self.neighbors: np.ndarray | None = None

    def set_graph(self, neighbors: np.ndarray) -> None:
        """Set the neighbours of each image: (N, k)."""
        self.neighbors = neighbors

    def __iter__(self) -> Iterator[list[int]]:
        # the last number separates this stream from those of CategoryDiscovery
        rng = np.random.default_rng((self.sampler.seed, self.sampler.epoch, getattr(self.sampler, 'rank', 0), 2))
        for anchors in self.batches:
            drawn = anchors
            if self.neighbors is not None:
                columns = rng.integers(self.neighbors.shape[1], size=len(anchors))
                drawn = self.neighbors[anchors, columns].tolist()
            yield anchors + drawn

    def __len__(self) -> int:
        return len(self.batches)


@DATA_SAMPLERS.register_module()
class LabelBalancedSampler(DefaultSampler):
    """Draws labelled and unlabelled images equally often, with replacement (Vaze et al., CVPR 2022).

    An epoch has as many draws as there are images. Within each group, all images are equally likely.

    Args:
        dataset (Dataset): A dataset with the label -1 for unlabelled images: `CategoryDiscovery(subset='all')`.
        **kwargs: Of MMEngine's `DefaultSampler`.

    Examples:
        >>> images = torch.utils.data.TensorDataset(torch.zeros(3))
        >>> images.targets = [0, -1, -1]
        >>> LabelBalancedSampler(images).weights
        tensor([1.0000, 0.5000, 0.5000], dtype=torch.float64)
    """

    def __init__(self, dataset: Dataset, **kwargs: Any) -> None:
        super().__init__(dataset, **kwargs)
        labelled = torch.from_numpy(dataset_labels(dataset) != UNLABELLED)
        self.weights = 1 / torch.where(labelled, labelled.sum(), (~labelled).sum()).double()

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        drawn = torch.multinomial(self.weights, self.total_size, replacement=True, generator=generator)
        return iter(drawn[self.rank :: self.world_size].tolist())
