"""A ResNet that returns inner layers by name."""

from collections.abc import Sequence
from typing import Any

from mmpretrain.models import ResNet
from mmpretrain.models.backbones.resnet import BasicBlock
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ..errors import ConfigError
from .strict_backbone import StrictBackbone


@MODELS.register_module()
class ResNetLayers(StrictBackbone, ResNet):
    """MMPretrain's ResNet with named inner layers and the same state dict.

    `layer4.0` is the output of the first block of the fourth stage. In ResNet-18 and -34, `layer4.1.relu1` is the
    output of the first convolution, norm and ReLU in the second block. The forward pass stops after the last requested
    layer.

    Args:
        depth (int): 18, 34, 50, 101 or 152. Defaults to 18.
        out_layers (Sequence[str]): Names of the layers to return, in this order. Defaults to ('layer4.1',).
        init_cfg (dict, optional): `dict(type='Pretrained', checkpoint=..., prefix=...)` loads weights of MMPretrain
            or torchvision (`torchvision://resnet18`, or a file) and fails if they do not fit. None: MMPretrain's
            own random initialisation (Kaiming).
        **kwargs: Of MMPretrain's `ResNet`: `frozen_stages`, `norm_eval`, `strides`...

    Raises:
        ConfigError: If a layer's name is unknown.

    Examples:
        >>> import torch
        >>> [x.shape for x in ResNetLayers(18, ('layer2.0', 'layer2.1.relu1'))(torch.rand(1, 3, 64, 64))]
        [torch.Size([1, 128, 8, 8]), torch.Size([1, 128, 8, 8])]
    """

    def __init__(
        self,
        depth: int = 18,
        out_layers: Sequence[str] = ('layer4.1',),
        init_cfg: dict | list | None = None,
        **kwargs: Any,
    ) -> None:
        if init_cfg is not None:
            kwargs['init_cfg'] = init_cfg
        super().__init__(depth, **kwargs)
        names = []
        for name, block in self._blocks():
            names += [f'{name}.relu1', name] if isinstance(block, BasicBlock) else [name]
        if not out_layers or not set(out_layers) <= set(names):
            raise ConfigError(f'ResNetLayers: out_layers={list(out_layers)} must name layers of {names}')
        self.out_layers = tuple(out_layers)
        self.out_indices = tuple(range(len(out_layers)))  # one per level: MMPretrain's tools count them

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Run the network: (N, 3, H, W) -> the named layers, each (N, C, H / 2^k, W / 2^k)."""
        x = self.to_weights_dtype(x)
        x = self.maxpool(self.stem(x) if self.deep_stem else self.relu(self.norm1(self.conv1(x))))
        outs: dict[str, Tensor] = {}
        for name, block in self._blocks():
            if f'{name}.relu1' in self.out_layers:
                outs[f'{name}.relu1'], x = _run_basic_block(block, x)
            else:
                x = block(x)
            if name in self.out_layers:
                outs[name] = x
            if len(outs) == len(set(self.out_layers)):
                break
        return tuple(outs[name] for name in self.out_layers)

    def _blocks(self) -> list[tuple[str, nn.Module]]:
        return [(f'{stage}.{i}', block) for stage in self.res_layers for i, block in enumerate(getattr(self, stage))]


def _run_basic_block(block: BasicBlock, x: Tensor) -> tuple[Tensor, Tensor]:
    """The map between the two convolutions of a `BasicBlock`, and its output."""
    inner = block.relu(block.norm1(block.conv1(x)))
    out = block.drop_path(block.norm2(block.conv2(inner)))
    identity = x if block.downsample is None else block.downsample(x)
    return inner, block.relu(out + identity)
