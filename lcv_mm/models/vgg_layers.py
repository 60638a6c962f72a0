"""A VGG that returns inner layers by name and accepts torchvision's weights."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mmpretrain.models import VGG
from mmpretrain.registry import MODELS
from torch import Tensor

from ..errors import ConfigError
from .strict_backbone import StrictBackbone


@MODELS.register_module()
class VGGLayers(StrictBackbone, VGG):
    """MMPretrain's VGG with the layer names of the literature and the same state dict.

    Layer `relu5_3` is the third convolution of the fifth stage with its ReLU, at 1/16 of the image's size; `pool5`
    follows it. The forward pass stops after the last requested layer.

    Args:
        depth (int): 11, 13, 16 or 19. Defaults to 16.
        out_layers (Sequence[str]): Names of the layers to return, in this order. Defaults to ('relu5_3',).
        init_cfg (dict, optional): `dict(type='Pretrained', checkpoint=..., prefix=...)` loads weights of MMPretrain
            or torchvision (`torchvision://vgg16`, or a file) and fails if they do not fit. None: MMPretrain's own
            random initialisation (Kaiming).
        **kwargs: Of MMPretrain's `VGG`: `frozen_stages`, `norm_eval`, `norm_cfg`...

    Raises:
        ConfigError: If a layer's name is unknown.

    Examples:
        >>> import torch
        >>> [x.shape for x in VGGLayers(11, ('relu2_1', 'pool2'))(torch.rand(1, 3, 32, 32))]
        [torch.Size([1, 128, 16, 16]), torch.Size([1, 128, 8, 8])]
    """

    def __init__(
        self,
        depth: int = 16,
        out_layers: Sequence[str] = ('relu5_3',),
        init_cfg: dict | list | None = None,
        **kwargs: Any,
    ) -> None:
        if init_cfg is not None:
            kwargs['init_cfg'] = init_cfg
        super().__init__(depth, **kwargs)
        self.layer_names = [
            name
            for stage, convs in enumerate(self.stage_blocks, start=1)
            for name in [*(f'relu{stage}_{i}' for i in range(1, convs + 1)), f'pool{stage}']
        ][: len(self.features)]
        unknown = [name for name in out_layers if name not in self.layer_names]
        if unknown or not out_layers:
            raise ConfigError(f'VGGLayers: out_layers={list(out_layers)} must name layers of {self.layer_names}')
        self.out_layers = tuple(out_layers)
        self.out_indices = tuple(range(len(out_layers)))  # one per level: MMPretrain's tools count them

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Run the network: (N, 3, H, W) -> the named layers, each (N, C, H / 2^k, W / 2^k)."""
        x = self.to_weights_dtype(x)
        outs: dict[str, Tensor] = {}
        for name, layer in zip(self.layer_names, self.features, strict=True):
            x = layer(x)
            if name in self.out_layers:
                outs[name] = x
            if len(outs) == len(set(self.out_layers)):
                break
        return tuple(outs[name] for name in self.out_layers)

    def rename_weights(self, state_dict: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Also accept torchvision's names."""
        return rename_torchvision_vgg(state_dict, self)


def rename_torchvision_vgg(state_dict: Mapping[str, Tensor], module: VGG) -> Mapping[str, Tensor]:
    """Rename torchvision's VGG weights to MMPretrain's names, matching convolutions and norms in order.

    torchvision numbers every layer, including ReLU (`features.N.weight`). MMPretrain groups a convolution, its norm and
    its ReLU into one block (`features.M.conv.weight`, `features.M.bn.weight`). Other weights, and those that already
    have MMPretrain's names, are returned unchanged.
    """
    numbers = {int(match[1]) for key in state_dict if (match := re.fullmatch(r'features\.(\d+)\.[a-z_]+', key))}
    layers = dict.fromkeys(key.rpartition('.')[0] for key in module.features.state_dict())  # '0.conv', '0.bn', ...
    names = {f'features.{n}': f'features.{layer}' for n, layer in zip(sorted(numbers), layers, strict=False)}
    split = {key: key.rpartition('.') for key in state_dict}
    return {f'{names.get(layer, layer)}{dot}{name}': state_dict[key] for key, (layer, dot, name) in split.items()}
