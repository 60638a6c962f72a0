"""The attention block of LCV as a neck."""

from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ..ops import residual_attention


class LevelAttention(nn.Module):
    """Residual attention of one map, a layer that tools for class activation maps can name: `neck.attention`."""

    def forward(self, feat: Tensor) -> Tensor:
        """Compute `M = F * (1 + sigmoid(F))`, (N, C, H, W) -> (N, C, H, W)."""
        return residual_attention(feat)


@MODELS.register_module()
class ResidualAttention(BaseModule):
    """Residual attention `M = F * (1 + sigmoid(F))` on every level (LCV, Eq. 1-2). It has no parameters.

    Example:
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
            tuple[Tensor]: the attention outputs M, one for each map, of the same shapes.
        """
        levels = (feats,) if isinstance(feats, Tensor) else feats
        return tuple(self.attention(level) for level in levels)
