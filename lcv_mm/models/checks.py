"""Checks of what heads and losses are given: dimensions, channels, labels."""

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from ..errors import ConfigError


def check_dimensions(head: str, **dimensions: int | Sequence[int]) -> None:
    """Raise ConfigError unless each option, such as `out_dim=8192`, is a positive integer or a sequence of them."""
    for name, given in dimensions.items():
        values = given if isinstance(given, list | tuple) else [given]
        if not all(type(value) is int and value > 0 for value in values):
            example = 512 if name == 'in_channels' else 8192
            raise ConfigError(f'{head}: {name}={given!r} must be a positive number of dimensions, such as {example}')


def check_map(part: str, level: Tensor, ndim: int = 3) -> None:
    """Raise ConfigError unless a level is a map of `ndim` dimensions or more.

    With 3 of them it may be (N, C, L), and still be a sequence of tokens; with 4 it is (N, C, H, W).
    """
    if not isinstance(level, Tensor) or level.ndim < ndim:
        kind = 'vectors' if isinstance(level, Tensor) and level.ndim < 3 else 'tokens'
        got = f'{kind} {tuple(level.shape)}' if isinstance(level, Tensor) else f'a {type(level).__name__}'
        raise ConfigError(
            f'{part}: expected maps (N, C, H, W), got {got}; let the backbone keep its map, such as '
            "out_type='featmap' of a vision transformer or gap_before_final_norm=False of ConvNeXt, and put no pooling "
            'before it'
        )


def check_channels(head: str, feats: Sequence[Tensor], in_channels: Sequence[int]) -> None:
    """Raise ConfigError unless each level, (N, C, H, W), has its number of channels, and all have one resolution."""
    for level, channels in zip(feats, in_channels, strict=True):
        check_map(head, level)
        if level.ndim == 3 and level.shape[2] == channels != level.shape[1]:
            raise ConfigError(
                f"{head}: expected maps (N, C, H, W), got tokens {tuple(level.shape)}; set the backbone's "
                "out_type='featmap'"
            )
        if level.shape[1] != channels:
            raise ConfigError(
                f'{head}: in_channels={channels}, but the backbone (and neck) give a map of the shape '
                f'{tuple(level.shape[1:])}, expected (in_channels, height, width); set model.head.in_channels to its '
                'channels, or take another layer of the backbone (out_layers, out_indices)'
            )
    if any(level.shape[2:] != feats[0].shape[2:] for level in feats):
        raise ConfigError(
            f'{head}: the levels have the resolutions {[tuple(level.shape[2:]) for level in feats]}, expected one; '
            "add dict(type='ResizeLevels') to the neck, or take layers of one stage: out_layers of VGGLayers or "
            'ResNetLayers'
        )


def single_labels(data_samples: Sequence[BaseDataElement]) -> Tensor | None:
    """The class of each image, (N,); None unless each image belongs to one class alone.

    A mixed image (Mixup, CutMix) keeps its first `gt_label` beside a `gt_score` of two classes; images of several
    labels have more than one in `gt_label`, those of several tasks have none.
    """
    labels = [sample.get('gt_label') for sample in data_samples]
    if not labels or not all(isinstance(label, Tensor) and label.numel() == 1 for label in labels):
        return None
    scores = [sample.gt_score for sample in data_samples if 'gt_score' in sample]
    if scores and (torch.stack(scores).count_nonzero(1) > 1).any():
        return None
    return torch.cat(labels)
