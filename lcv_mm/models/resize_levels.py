"""A neck that brings the levels of a backbone to one resolution."""

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor

from .checks import check_map


@MODELS.register_module()
class ResizeLevels(BaseModule):
    """Averages every level down to the resolution of the smallest, so that `HBPHead` can multiply them place by place.

    For backbones whose stages differ in resolution, `neck=[dict(type='ResidualAttention'), dict(type='ResizeLevels')]`.
    Yu et al. (2018) take layers of one stage; how others are to be brought together they do not say. Here: means over
    equal areas, which invent no values, and the smallest resolution, since HBP's cost grows with the places.
    """

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Resize each feature map: (N, C_i, H_i, W_i) -> (N, C_i, H, W), the size of the map with the fewest places.

        Raises:
            ConfigError: If a level is no map (N, C, H, W).
        """
        for level in feats:
            check_map('ResizeLevels', level, ndim=4)
        height, width = min((level.shape[2:] for level in feats), key=lambda size: size[0] * size[1])
        return tuple(F.adaptive_avg_pool2d(level, (height, width)) for level in feats)
