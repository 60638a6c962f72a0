"""Base class of the bilinear heads."""

from collections.abc import Sequence

from mmpretrain.models import LinearClsHead
from torch import Tensor

from ..errors import ConfigError


class BilinearHead(LinearClsHead):
    """A linear classifier on pooled features.

    `pre_logits` returns float32 or float64 for maps of any dtype, and raises ConfigError for maps of another form.
    """

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Compute the scores (N, num_classes) of feature maps, in the dtype of the classifier's weights."""
        return self.fc(self.pre_logits(feats).to(self.fc.weight.dtype))


def check_maps(head: str, feats: Sequence[Tensor], in_channels: Sequence[int]) -> None:
    """Raise ConfigError unless the levels are maps (N, C, H, W) with these channels and equal resolution."""
    shapes = [level.shape[1:] for level in feats]
    fit = [(*shape[:1],) for shape in shapes] == [(channels,) for channels in in_channels]
    if not fit or any(len(shape) < 2 or shape[1:] != shapes[0][1:] for shape in shapes):
        raise ConfigError(
            f'{head}: expected maps (C, H, W) of one size, {[*in_channels]} channels, got {[*map(tuple, shapes)]}; '
            "set in_channels, the backbone's out_layers or out_type='featmap', or add ResizeLevels to the neck"
        )
