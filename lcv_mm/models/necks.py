"""Necks: the attention of LCV, and resizing of levels to one resolution."""

import math
from typing import Any

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ..ops import residual_attention


class LevelAttention(nn.Module):
    """Residual attention of one map, as a layer that class activation map tools can select: `neck.attention`."""

    def forward(self, feat: Tensor) -> Tensor:
        """Compute `M = F * (1 + sigmoid(F))`, (N, C, H, W) -> (N, C, H, W)."""
        return residual_attention(feat)


@MODELS.register_module()
class ResidualAttention(BaseModule):
    """Residual attention `M = F * (1 + sigmoid(F))` on every level (LCV, Eq. 1-2). It has no parameters.

    Examples:
        >>> import torch
        >>> ResidualAttention()(torch.tensor([0.0, 2.0]))
        (tensor([0.0000, 3.7616]),)
    """

    def __init__(self) -> None:
        super().__init__()
        self.attention = LevelAttention()

    def forward(self, feats: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Apply the attention to each feature map.

        Args:
            feats (Tensor | tuple[Tensor]): the backbone's feature maps, each (N, C, H, W).

        Returns:
            tuple[Tensor]: the attention outputs M, one per map, with the same shapes.
        """
        levels = (feats,) if isinstance(feats, Tensor) else feats
        return tuple(self.attention(level) for level in levels)


@MODELS.register_module()
class ResizeLevels(BaseModule):
    """Average-pools every level to the smallest resolution, so that `HBPHead` can multiply levels by position.

    For backbones whose stages differ in resolution, use
    `neck=[dict(type='ResidualAttention'), dict(type='ResizeLevels')]`. Yu et al. (2018) take layers of one stage and do
    not say how to combine others. Here: means over equal areas, without interpolated values, at the smallest
    resolution, since the cost of HBP grows with the number of positions.

    Examples:
        >>> import torch
        >>> [level.shape for level in ResizeLevels()((torch.rand(2, 8, 14, 14), torch.rand(2, 16, 7, 7)))]
        [torch.Size([2, 8, 7, 7]), torch.Size([2, 16, 7, 7])]
    """

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Resize each feature map: (N, C_i, H_i, W_i) -> (N, C_i, H, W), the size of the smallest map."""
        size: Any = min((level.shape[2:] for level in feats), key=math.prod)
        return tuple(F.adaptive_avg_pool2d(level, size) for level in feats)
