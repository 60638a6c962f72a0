"""The cluster heads of GCA."""

import torch
from mmpretrain.models.heads import ClsHead
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from ..errors import ConfigError
from .aggregation import neighbor_loss, pair_loss


@MODELS.register_module()
class GCAHead(ClsHead):
    """Two levels of linear cluster heads (guided cluster aggregation, Otholt et al., WACV 2024).

    Level 0 has several heads that find many small clusters in the neighbour graph. `AggregationHook` joins them. From
    then on, level 1 learns the final clusters from pairs of images. Labels are used only for the joining; no loss reads
    a label. A batch is B anchors followed by a neighbour of each (`NeighborBatchSampler`).

    The graph, the joined clusters and the cluster of each image are buffers, so a resumed run has them.

    Args:
        in_channels (int): Length D of a feature.
        num_clusters (int): Number of final clusters, equal to the number of classes.
        num_images (int): Number of all training images.
        num_small_clusters (int): Clusters per level-0 head. Defaults to 1000, the paper's value for CUB.
        num_heads (int): Number of level-0 heads. Defaults to 10.
        num_neighbors (int): Neighbours per image, including itself. Defaults to 5.
        entropy_weight (float): Weight of the entropy in the level-0 loss. Defaults to 5.

    Examples:
        >>> GCAHead(in_channels=8, num_clusters=5, num_images=20)((torch.rand(3, 8),)).shape
        torch.Size([3, 5])
    """

    neighbors: Tensor  # (num_images, num_neighbors)
    clusters: Tensor  # (num_images,), of the best level-0 head
    joined: Tensor  # (num_small_clusters, num_small_clusters), bool
    stage: Tensor  # scalar; 0: no graph, 1: graph, 2: clusters joined

    def __init__(
        self,
        in_channels: int,
        num_clusters: int,
        num_images: int,
        num_small_clusters: int = 1000,
        num_heads: int = 10,
        num_neighbors: int = 5,
        entropy_weight: float = 5.0,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.entropy_weight = entropy_weight
        self.level0 = nn.Linear(in_channels, num_heads * num_small_clusters)  # the heads side by side
        self.level1 = nn.Linear(in_channels, num_clusters)
        self.register_buffer('neighbors', torch.zeros(num_images, num_neighbors, dtype=torch.long))
        self.register_buffer('clusters', torch.zeros(num_images, dtype=torch.long))
        self.register_buffer('joined', torch.zeros(num_small_clusters, num_small_clusters, dtype=torch.bool))
        self.register_buffer('stage', torch.zeros((), dtype=torch.long))

    def small_clusters(self, feats: Tensor) -> Tensor:
        """Logits of level 0: (N, D) -> (N, H, C)."""
        return self.level0(feats).unflatten(1, (self.num_heads, -1))

    def loss(self, feats: tuple[Tensor, ...], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the losses of a batch of anchors and neighbours; their sum is the mean over the active levels.

        Args:
            feats (tuple[Tensor]): The last level is (2B, D).
            data_samples (list[DataSample]): 2B samples with `sample_idx`, the number of the image.

        Returns:
            dict: `loss_small` (level 0) and, once clusters are joined, `loss_final` (level 1), each divided by the
            number of active levels.

        Raises:
            ConfigError: If the graph has not been built.
        """
        if not self.stage:
            raise ConfigError('GCAHead has no neighbour graph; add AggregationHook to custom_hooks')
        anchors, neighbors = feats[-1].chunk(2)
        per_head = neighbor_loss(self.small_clusters(anchors), self.small_clusters(neighbors), self.entropy_weight)
        if self.stage == 1:
            return dict(loss_small=per_head.mean())
        chosen = self.clusters[[sample.sample_idx for sample in data_samples[: len(anchors)]]]
        targets = self.joined[chosen][:, chosen]
        return dict(loss_small=per_head.mean() / 2, loss_final=pair_loss(self.level1(anchors), targets) / 2)

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Logits of the final clusters: (N, K)."""
        return self.level1(feats[-1])
