"""Base class of the bilinear heads."""

from collections.abc import Sequence
from typing import Any

from mmpretrain.models import LinearClsHead
from torch import Tensor

from ..errors import ConfigError


class BilinearHead(LinearClsHead):
    """A linear classifier on features pooled from maps; a subclass defines `pool_maps`.

    Args:
        num_classes (int): Number of classes.
        pooled_dim (int): Dimension of the pooled feature.
        map_channels (Sequence[int]): Channels of each map to pool. The last levels of the input are taken.
        **kwargs: Of MMPretrain's `LinearClsHead`.
    """

    def __init__(self, num_classes: int, pooled_dim: int, map_channels: Sequence[int], **kwargs: Any) -> None:
        super().__init__(num_classes, pooled_dim, **kwargs)
        self.map_channels = map_channels

    def pool_maps(self, *maps: Tensor) -> Tensor:
        """Pool maps of one resolution, each (N, C, H, W) of any dtype -> (N, pooled_dim), float32 or float64."""
        raise NotImplementedError

    def pre_logits(self, feats: Sequence[Tensor]) -> Tensor:
        """Pool the last levels; ConfigError unless they are maps with `map_channels` and of one resolution."""
        maps = feats[-len(self.map_channels) :]
        shapes = [tuple(level.shape[1:]) for level in maps]
        size = shapes[-1][1:]  # (H, W)
        if not size or shapes != [(channels, *size) for channels in self.map_channels]:
            raise ConfigError(
                f'{type(self).__name__}: expected maps (C, H, W) of one size, {[*self.map_channels]} channels, got '
                f"{shapes}; set in_channels, the backbone's out_layers or out_type='featmap', or add "
                'ResizeLevels to the neck'
            )
        return self.pool_maps(*maps)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Compute the scores (N, num_classes) of feature maps, in the dtype of the classifier's weights."""
        return self.fc(self.pre_logits(feats).to(self.fc.weight.dtype))
