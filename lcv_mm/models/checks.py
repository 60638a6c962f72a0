"""Checks of the feature maps that heads get, and of the labels that losses on features get."""

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from ..errors import ConfigError


def check_maps(head: str, feats: Sequence[Tensor], in_channels: Sequence[int]) -> None:
    """Raise ConfigError unless the levels are maps (N, C, H, W) of these channels and of one resolution."""
    shapes = [level.shape[1:] for level in feats]
    fit = [(*shape[:1],) for shape in shapes] == [(channels,) for channels in in_channels]
    if not fit or any(len(shape) < 2 or shape[1:] != shapes[0][1:] for shape in shapes):
        raise ConfigError(
            f'{head}: expected maps (C, H, W) of one size, {[*in_channels]} channels, got {[*map(tuple, shapes)]}; '
            "set in_channels, the backbone's out_layers or out_type='featmap', or add ResizeLevels to the neck"
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
