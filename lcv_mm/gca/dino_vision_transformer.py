"""A vision transformer with DINO's weights."""

import re
from collections.abc import Mapping

from mmpretrain.models import VisionTransformer
from mmpretrain.registry import MODELS
from torch import Tensor

from ..models.strict_backbone import StrictBackbone

# Patterns of DINO's names (facebookresearch/dino) and the corresponding names of MMPretrain
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
    """MMPretrain's `VisionTransformer` with strict loading of DINO's published weights.

    The file is `dino_vitbase16_pretrain.pth` (Caron et al., ICCV 2021). Weights with MMPretrain's names also load. With
    `frozen_stages`, only the later blocks train: unlike in MMPretrain, the last layer norm is also frozen.

    Args:
        **kwargs: Of MMPretrain's `VisionTransformer`.

    Examples:
        >>> import torch
        >>> DINOVisionTransformer(arch='deit-tiny', img_size=32, patch_size=16)(torch.rand(1, 3, 32, 32))[0].shape
        torch.Size([1, 192])
    """

    def rename_weights(self, state_dict: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Rename the weights from DINO's names to MMPretrain's; keep MMPretrain's names."""
        renamed = {}
        for name, value in state_dict.items():
            for pattern, ours in NAMES:
                name = re.sub(pattern, ours, name)
            renamed[name] = value
        return renamed

    def _freeze_stages(self) -> None:
        super()._freeze_stages()
        self.ln1.requires_grad_(False)
