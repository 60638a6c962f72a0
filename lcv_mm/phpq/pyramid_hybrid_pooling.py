"""The neck of PHPQ: mean and maximum pooling of several levels."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class PyramidHybridPooling(BaseModule):
    """Mean and maximum of each level, projected and concatenated (PHPQ, Zeng et al., 2024).

    Paper: "pyramid hybrid pooling" of multi-level features; its form is not known. Here: mean and maximum over spatial
    positions of each level, concatenated, and one linear layer per level.

    Args:
        in_channels (Sequence[int]): Channels of the levels, in the order of the backbone.
        out_channels (int, optional): Channels of each level after its projection; None: no projection.
            Defaults to 256.
        maximum (bool): Whether to use the maximum in addition to the mean. Defaults to True.

    Examples:
        >>> neck = PyramidHybridPooling(in_channels=[8, 16], out_channels=4)
        >>> neck((torch.rand(2, 8, 6, 6), torch.rand(2, 16, 3, 3)))[0].shape
        torch.Size([2, 8])
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int | None = 256, maximum: bool = True) -> None:
        super().__init__(init_cfg=dict(type='Xavier', layer='Linear', distribution='uniform'))
        self.maximum = maximum
        self.projections = nn.ModuleList(
            nn.Linear((1 + maximum) * channels, out_channels) if out_channels else nn.Identity()
            for channels in in_channels
        )

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor]:
        """Pool the levels: a tuple of (N, C, H, W) -> one feature (N, sum of the levels' channels)."""
        pooled = [hybrid_pool(x) if self.maximum else x.mean((2, 3)) for x in feats]
        levels = [project(x) for project, x in zip(self.projections, pooled, strict=True)]
        return (torch.cat(levels, dim=1),)


def hybrid_pool(x: Tensor) -> Tensor:
    """Mean and maximum over the spatial positions, concatenated: (N, C, H, W) -> (N, 2 * C).

    >>> hybrid_pool(torch.tensor([[[[1.0, 3.0]]]]))
    tensor([[2., 3.]])
    """
    flat = x.flatten(2)  # (N, C, H, W) -> (N, C, L)
    return torch.cat([flat.mean(2), flat.amax(2)], dim=1)
