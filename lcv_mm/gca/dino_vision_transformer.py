"""A vision transformer with DINO's weights."""

import re
from collections.abc import Mapping

from mmpretrain.models import VisionTransformer
from mmpretrain.registry import MODELS
from torch import Tensor

from ..models.strict_backbone import StrictBackbone

# DINO's names (facebookresearch/dino), as patterns, and MMPretrain's
NAMES = (
    (r'^patch_embed\.proj\.', 'patch_embed.projection.'),
    (r'^blocks\.', 'layers.'),
    (r'\.norm([12])\.', r'.ln\1.'),
    (r'\.mlp\.fc1\.', '.ffn.layers.0.0.'),
    (r'\.mlp\.fc2\.', '.ffn.layers.1.'),
    (r'^norm\.', 'ln1.'),
)


@MODELS.register_module()
class DINOVisionTransformer(StrictBackbone, VisionTransformer):
    """MMPretrain's `VisionTransformer` that reads DINO's file as published, strictly, and freezes the last norm too.

    Caron et al., ICCV 2021; the file is `dino_vitbase16_pretrain.pth`. Weights in MMPretrain's names are read as well.
    With `frozen_stages` only the later blocks train: MMPretrain leaves the last layer norm trainable.

    Args:
        **kwargs: Of MMPretrain's `VisionTransformer`.

    Examples:
        >>> import torch
        >>> DINOVisionTransformer(arch='deit-tiny', img_size=32, patch_size=16)(torch.rand(1, 3, 32, 32))[0].shape
        torch.Size([1, 192])
    """

    def rename_weights(self, state_dict: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Take DINO's names too."""
        return rename_dino(state_dict)

    def _freeze_stages(self) -> None:
        super()._freeze_stages()
        self.ln1.requires_grad_(False)


def rename_dino(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn DINO's names of a vision transformer's weights into MMPretrain's; those stay as they are."""
    renamed = {}
    for name, value in weights.items():
        for pattern, ours in NAMES:
            name = re.sub(pattern, ours, name)
        renamed[name] = value
    return renamed
