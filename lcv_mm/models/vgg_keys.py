"""torchvision's names of VGG's weights, turned into MMPretrain's."""

import re
from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from ..errors import WeightsError

_TORCHVISION_KEY = re.compile(r'(features\.\d+)\.(weight|bias|running_mean|running_var|num_batches_tracked)')
_MMPRETRAIN_KEY = re.compile(r'(features\.\d+)\.(conv|bn)\.\w+')


def vgg_torchvision_keys(state_dict: Mapping[str, Tensor], module: nn.Module) -> dict[str, Tensor]:
    """Rename torchvision's VGG weights to MMPretrain's names, the convolutions in order.

    torchvision counts every layer (`features.N.weight`, ReLU and norm included); MMPretrain puts a convolution, its
    norm and its ReLU into one block (`features.M.conv.weight`, `features.M.bn.weight`).

    Args:
        state_dict (Mapping[str, Tensor]): Weights in either naming. Those in MMPretrain's, or of no VGG, pass
            unchanged.
        module (nn.Module): MMPretrain's VGG, of any depth, with norm or without.

    Returns:
        dict[str, Tensor]: The weights in MMPretrain's naming; `classifier.*` dropped where `module` has none.

    Raises:
        WeightsError: If the file is of a VGG with batch norm and `module` has none: its convolutions would fit, but
            compute something else.
    """
    blocks = _conv_blocks(module)
    layers = sorted({match[1] for key in state_dict if (match := _TORCHVISION_KEY.fullmatch(key))}, key=_number)
    _check_norm(state_dict, module)
    if not blocks or not layers or any(_MMPRETRAIN_KEY.fullmatch(key) for key in state_dict):
        return dict(state_dict)

    places = dict(_places(layers, blocks, state_dict))
    has_classifier = hasattr(module, 'classifier')
    renamed = {}
    for key, value in state_dict.items():
        layer, _, name = key.rpartition('.')
        if has_classifier or not key.startswith('classifier.'):
            renamed[f'{places[layer]}.{name}' if layer in places else key] = value
    return renamed


def _conv_blocks(module: nn.Module) -> list[str]:
    """The blocks that hold a convolution, in order: `['features.0', 'features.1', 'features.3', ...]`."""
    keys = [key for key in module.state_dict() if re.fullmatch(r'features\.\d+\.conv\.weight', key)]
    return sorted((key.removesuffix('.conv.weight') for key in keys), key=_number)


def _places(layers: list[str], blocks: list[str], state_dict: Mapping[str, Tensor]) -> Iterator[tuple[str, str]]:
    """Pairs of torchvision's layer and its place here; a file's convolutions beyond the module's get none."""
    left = iter(blocks)
    block = None
    for layer in layers:
        is_norm = f'{layer}.running_mean' in state_dict
        if not is_norm:
            block = next(left, None)
        if block is not None:
            yield layer, f'{block}.bn' if is_norm else f'{block}.conv'


def _check_norm(state_dict: Mapping[str, Tensor], module: nn.Module) -> None:
    """Refuse weights that were trained with batch norm for a VGG without."""
    if _has_norm(state_dict) and not _has_norm(module.state_dict()) and _conv_blocks(module):
        raise WeightsError(
            'the weights are of a VGG with batch norm, the backbone has none; add '
            "norm_cfg=dict(type='BN') to the backbone, or take the weights without norm (torchvision://vgg16)"
        )


def _has_norm(state_dict: Mapping[str, Tensor]) -> bool:
    return any(key.startswith('features.') and key.endswith('.running_mean') for key in state_dict)


def _number(layer: str) -> int:
    return int(layer.rpartition('.')[2])
