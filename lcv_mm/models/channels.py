"""Checks of the numbers of channels and dimensions that a head is given."""

from collections.abc import Sequence

from torch import Tensor

from ..errors import ConfigError


def check_dimensions(head: str, **dimensions: int | Sequence[int]) -> None:
    """Raise ConfigError unless each option is a positive whole number, or a sequence of them.

    Args:
        head (str): Name of the head, for the message.
        **dimensions (int | Sequence[int]): The options by name, such as `out_dim=8192`.
    """
    for name, given in dimensions.items():
        values = given if isinstance(given, list | tuple) else [given]
        if not all(isinstance(value, int) and value > 0 for value in values):
            example = 512 if name == 'in_channels' else 8192
            raise ConfigError(f'{head}: {name}={given!r} must be a positive number of dimensions, such as {example}')


def check_channels(head: str, feats: Sequence[Tensor], in_channels: Sequence[int]) -> None:
    """Raise ConfigError unless each level, (N, C, H, W), has its number of channels.

    Args:
        head (str): Name of the head, for the message.
        feats (Sequence[Tensor]): Feature maps that the head pools.
        in_channels (Sequence[int]): Channels that the head was built for, one number a level.
    """
    for level, channels in zip(feats, in_channels, strict=True):
        if level.ndim < 3 or level.shape[1] != channels:
            raise ConfigError(
                f'{head}: in_channels={channels}, but the backbone (and neck) give a map of the shape '
                f'{tuple(level.shape[1:])}, expected (in_channels, height, width); set model.head.in_channels to its '
                'channels, or take another layer of the backbone (out_layers, out_indices)'
            )
