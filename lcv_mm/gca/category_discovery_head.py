"""The head of GCA's base stage and its losses (Vaze et al., CVPR 2022, https://arxiv.org/abs/2201.02609)."""

import torch
from mmengine.model import BaseModule
from mmpretrain.models.heads.margin_head import NormProduct
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.nn import functional as F

from .aggregation import UNLABELLED


@MODELS.register_module()
class CategoryDiscoveryHead(BaseModule):
    """DINO's projection with InfoNCE on all images and the supervised contrastive loss on the labelled ones.

    This is the training of generalised category discovery (Vaze et al., CVPR 2022) that precedes GCA. Three linear
    layers with GELU lead to a bottleneck. The projection consists of its cosines with `out_channels` learned vectors
    (Caron et al., ICCV 2021). A batch is B images followed by a second view of each.

    Args:
        in_channels (int): Length D of a feature.
        hidden_channels (int): Channels of the first two layers. Defaults to 2048.
        bottleneck_channels (int): Channels of the third layer. Defaults to 256.
        out_channels (int): Channels of the projection, to which both losses apply. Defaults to 65536.
        supervised_weight (float): Weight of the supervised loss, in [0, 1]; InfoNCE has the rest. Defaults to 0.35.
        temperature (float): Temperature of InfoNCE. Defaults to 1.
        supervised_temperature (float): Temperature of the supervised loss. Defaults to 0.07.

    Examples:
        >>> samples = [DataSample().set_gt_label(label) for label in (0, -1, 0, -1)]
        >>> sorted(CategoryDiscoveryHead(8).loss((torch.rand(4, 8),), samples))
        ['loss_supervised', 'loss_unsupervised']
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int = 2048,
        bottleneck_channels: int = 256,
        out_channels: int = 65536,
        supervised_weight: float = 0.35,
        temperature: float = 1.0,
        supervised_temperature: float = 0.07,
    ) -> None:
        super().__init__()
        self.supervised_weight = supervised_weight
        self.temperature = temperature
        self.supervised_temperature = supervised_temperature
        first = nn.Linear(in_channels, hidden_channels)
        second = nn.Linear(hidden_channels, hidden_channels)
        third = nn.Linear(hidden_channels, bottleneck_channels)
        for layer in (first, second, third):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        last = NormProduct(bottleneck_channels, out_channels)  # weight normalisation with a length fixed at 1
        self.projection = nn.Sequential(first, nn.GELU(), second, nn.GELU(), third, last)

    def loss(self, feats: tuple[Tensor, ...], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute both weighted losses.

        Args:
            feats (tuple[Tensor]): The last level is (2B, D).
            data_samples (list[DataSample]): 2B samples; `gt_label` is -1 for unlabelled images.

        Returns:
            dict: `loss_unsupervised` and `loss_supervised`; the latter is 0 in a batch without labelled images.
        """
        projected = self.projection(feats[-1]).float()
        labels = torch.cat([sample.gt_label for sample in data_samples]).to(projected.device)
        known = labels != UNLABELLED
        same_image = torch.eye(len(projected) // 2, dtype=torch.bool, device=projected.device).repeat(2, 2)
        same_class = labels[known, None] == labels[known]
        unsupervised = contrastive_loss(projected, same_image, self.temperature)
        supervised = contrastive_loss(projected[known], same_class, self.supervised_temperature)
        return dict(
            loss_unsupervised=(1 - self.supervised_weight) * unsupervised,
            loss_supervised=self.supervised_weight * supervised,
        )

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Projections: (N, out_channels)."""
        return self.projection(feats[-1])


def contrastive_loss(feats: Tensor, positives: Tensor, temperature: float) -> Tensor:
    """InfoNCE with any positives: `-log softmax` over all other rows, averaged over a row's positives, then over rows.

    With the other view as the only positive, this is InfoNCE. With all images of the class, it is the supervised
    contrastive loss (Khosla et al., 2020, "out" form).

    Args:
        feats (Tensor): (M, D); scaled to unit length here.
        positives (Tensor): (M, M) bool; the diagonal is ignored.
        temperature (float): Divides the cosines, above 0.

    Returns:
        Tensor: Scalar; 0 (with zero gradients) if no row has a positive.
    """
    itself = torch.eye(len(feats), dtype=torch.bool, device=feats.device)
    feats = F.normalize(feats, dim=1)
    logits = (feats @ feats.T / temperature).masked_fill(itself, -torch.inf)
    positives = positives & ~itself
    log_prob = logits.log_softmax(1).masked_fill(~positives, 0)
    counts = positives.sum(1)
    if not counts.any():
        return feats.sum() * 0
    return -(log_prob.sum(1)[counts > 0] / counts[counts > 0]).mean()
