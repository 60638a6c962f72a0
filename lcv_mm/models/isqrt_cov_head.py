"""The covariance pooling head with an iterative matrix square root."""

from typing import Any

from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ..errors import ConfigError
from ..ops import covariance_pool, matrix_sqrt, upper_triangle
from .bilinear_head import BilinearHead


@MODELS.register_module()
class ISQRTCOVHead(BilinearHead):
    """Covariance pooling, matrix square root, upper triangle and linear classifier (iSQRT-COV, Li et al., 2018).

    Source: https://arxiv.org/abs/1712.01034

    The tables of the LCV paper do not include it. Like every head, it works in `LCVClassifier`.

    Args:
        num_classes (int): Number of classes.
        in_channels (int): Channels of the feature map.
        reduce_channels (int | None): Channels D after a 1x1 convolution with batch norm and ReLU. The classifier has
            D * (D + 1) / 2 inputs. None: no reduction. Defaults to 256, the authors' choice.
        iterations (int): Newton-Schulz iterations. Defaults to 5, the authors' choice.
        **kwargs: Of MMPretrain's `LinearClsHead`: `loss`, `topk`, `cal_acc`, `init_cfg`.

    Raises:
        ConfigError: In the forward pass, if the maps do not have `in_channels`, or have a single position.

    Examples:
        >>> import torch
        >>> head = ISQRTCOVHead(num_classes=10, in_channels=512, reduce_channels=64)
        >>> head((torch.rand(2, 512, 7, 7),)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self, num_classes: int, in_channels: int, reduce_channels: int | None = 256, iterations: int = 5, **kwargs: Any
    ) -> None:
        channels = in_channels if reduce_channels is None else reduce_channels
        super().__init__(num_classes, channels * (channels + 1) // 2, [in_channels], **kwargs)
        self.iterations = iterations
        self.reduce: nn.Module = nn.Identity()
        if reduce_channels is not None:
            self.reduce = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
            )

    def pool_maps(self, *maps: Tensor) -> Tensor:
        """Pool the last level: (N, C, H, W) -> (N, D * (D + 1) / 2)."""
        if maps[-1][0, 0].numel() < 2:
            raise ConfigError('ISQRTCOVHead: one position has no covariance; use larger crops or smaller strides')
        covariance = covariance_pool(self.reduce(*maps))
        return upper_triangle(matrix_sqrt(covariance, iterations=self.iterations))
