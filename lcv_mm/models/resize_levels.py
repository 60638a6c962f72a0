"""A neck that brings the levels of a backbone to one resolution."""

import math

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class ResizeLevels(BaseModule):
    """Averages every level down to the resolution of the smallest, so that `HBPHead` can multiply them
    position by position.

    For backbones whose stages differ in resolution, `neck=[dict(type='ResidualAttention'), dict(type='ResizeLevels')]`.
    Yu et al. (2018) take layers of one stage; how others are to be brought together they do not say. Here: means over
    equal areas, which invent no values, and the smallest resolution, since HBP's cost grows with the positions.

    Example:
        >>> import torch
        >>> [level.shape for level in ResizeLevels()((torch.rand(2, 8, 14, 14), torch.rand(2, 16, 7, 7)))]
        [torch.Size([2, 8, 7, 7]), torch.Size([2, 16, 7, 7])]
    """

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Resize each feature map: (N, C_i, H_i, W_i) -> (N, C_i, H, W), the size of the smallest map."""
        size = min((level.shape[2:] for level in feats), key=math.prod)
        return tuple(F.adaptive_avg_pool2d(level, size) for level in feats)
