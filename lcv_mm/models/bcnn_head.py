"""The full bilinear pooling head."""

from typing import Any

from mmpretrain.registry import MODELS
from torch import Tensor

from ..ops import bilinear_pool, normalized_signed_sqrt
from .bilinear_head import BilinearHead


@MODELS.register_module()
class BCNNHead(BilinearHead):
    """Full bilinear pooling, signed square root, L2 norm and linear classifier (Lin et al., 2015).

    Source: https://arxiv.org/abs/1504.07889

    Args:
        num_classes (int): Number of classes.
        in_channels (int): Channels C of the feature map, 512 for VGG-16 and ResNet-18. The classifier has C * C
            inputs.
        **kwargs: Of MMPretrain's `LinearClsHead`: `loss`, `topk`, `cal_acc`, `init_cfg`.

    Raises:
        ConfigError: In the forward pass, if the maps do not have `in_channels`.

    Examples:
        >>> import torch
        >>> head = BCNNHead(num_classes=10, in_channels=64)
        >>> head((torch.rand(2, 64, 7, 7),)).shape
        torch.Size([2, 10])
    """

    def __init__(self, num_classes: int, in_channels: int, **kwargs: Any) -> None:
        super().__init__(num_classes, in_channels**2, [in_channels], **kwargs)

    def pool_maps(self, *maps: Tensor) -> Tensor:
        """Pool the last level: (N, C, H, W) -> (N, C * C), each row of unit length."""
        return normalized_signed_sqrt(bilinear_pool(*maps))
