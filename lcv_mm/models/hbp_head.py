"""The hierarchical bilinear pooling head."""

from typing import Any

from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ..errors import ConfigError
from ..ops import hierarchical_bilinear_pool, normalized_signed_sqrt
from .bilinear_head import BilinearHead

NUM_LEVELS = 3
NUM_PAIRS = 3  # 12, 13, 23


@MODELS.register_module()
class HBPHead(BilinearHead):
    """Pooled products of three projected levels, signed square root, L2 norm and linear classifier (Yu et al., 2018).

    Source: https://arxiv.org/abs/1807.09915

    Args:
        num_classes (int): Number of classes.
        in_channels (int | tuple[int, int, int]): Channels of the three levels; an int if they are equal.
        proj_dim (int): Dimension of each projection. The classifier has three times as many inputs.
            LCV: "the final dimension of original HBP is 8192". Defaults to 8192 each, as in Yu et al.
        **kwargs: Of MMPretrain's `LinearClsHead`: `loss`, `topk`, `cal_acc`, `init_cfg`.

    Raises:
        ConfigError: If `in_channels` does not have three values; in the forward pass, if the maps do not have these
            channels or differ in resolution.

    Examples:
        >>> import torch
        >>> head = HBPHead(num_classes=10, in_channels=64, proj_dim=128)
        >>> head([torch.rand(2, 64, 7, 7) for _ in range(3)]).shape
        torch.Size([2, 10])
    """

    def __init__(
        self, num_classes: int, in_channels: int | tuple[int, int, int], proj_dim: int = 8192, **kwargs: Any
    ) -> None:
        channels = [in_channels] * NUM_LEVELS if isinstance(in_channels, int) else in_channels
        if len(channels) != NUM_LEVELS:
            raise ConfigError(f'HBPHead: {in_channels=}; expected the channels of {NUM_LEVELS} levels')
        super().__init__(num_classes, NUM_PAIRS * proj_dim, channels, **kwargs)
        # 1x1 convolutions, as in the authors' code. It initialises with Caffe's Xavier, bias 0. Here: PyTorch's default
        self.projections = nn.ModuleList(nn.Conv2d(c, proj_dim, 1) for c in channels)

    def pool_maps(self, *maps: Tensor) -> Tensor:
        """Pool the last three levels, each (N, C, H, W) -> (N, 3 * proj_dim), each third of a row of unit length."""
        pooled = hierarchical_bilinear_pool(
            maps,
            [conv.weight.flatten(1) for conv in self.projections],  # type: ignore # (D, C, 1, 1) -> (D, C)
            [conv.bias for conv in self.projections],  # type: ignore
        )
        pairs = pooled.unflatten(1, (NUM_PAIRS, -1)).flatten(0, 1)  # (N, 3 * D) -> (3 * N, D)
        return normalized_signed_sqrt(pairs).view_as(pooled)
