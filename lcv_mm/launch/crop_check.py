"""Crops against the size that the images are given before."""

from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError
from .config_parts import type_name

CROPS = ('RandomCrop', 'CenterCrop')
# transforms that leave the size as it is; behind any other it is not known
NEUTRAL = ('LoadImageFromFile', 'RandomFlip', 'ColorJitter', 'Lighting', 'RandomErasing', 'Normalize', 'PackInputs')


def check_crops(part: Any, where: str) -> None:
    """Look for pipelines in a dataset's config and hold each crop against the size that its images have by then.

    MMPretrain cuts what is there, so that the network sees smaller images than the config says.

    Args:
        part (Any): Config of a dataset, of datasets in a wrapper, or anything in them.
        where (str): Its dotted key, for the message.

    Raises:
        ConfigError: If a crop without padding is larger than the image.
    """
    if isinstance(part, list | tuple):
        for i, item in enumerate(part):
            check_crops(item, f'{where}.{i}')
    elif isinstance(part, Mapping):
        for key, value in part.items():
            if key == 'pipeline' and isinstance(value, list | tuple):
                _check_pipeline(value, f'{where}.pipeline')
            else:
                check_crops(value, f'{where}.{key}')


def _check_pipeline(pipeline: list[Any] | tuple[Any, ...], where: str) -> None:
    short_side: int | None = None
    for i, step in enumerate(pipeline):
        if not isinstance(step, Mapping):
            return
        name = type_name(step)
        crop = step.get('crop_size')
        if name in CROPS and crop is not None:
            largest = crop if isinstance(crop, int) else max(crop)
            pads = any(step.get(key) for key in ('padding', 'pad_if_needed', 'auto_pad'))
            if short_side is not None and largest > short_side and not pads:
                raise ConfigError(
                    f'{where}.{i}.crop_size={crop}: {name} is larger than the images, whose short side is '
                    f'{short_side} by then; expected at most {short_side}: lower the crop, or raise the scale of the '
                    'resize before it'
                )
            short_side = crop if isinstance(crop, int) else min(crop)
        elif name == 'ResizeEdge':
            short_side = step.get('scale') if step.get('edge', 'short') == 'short' else None
        elif name == 'Resize' and isinstance(step.get('scale'), list | tuple) and not step.get('keep_ratio'):
            short_side = min(step['scale'])
        elif name not in NEUTRAL:
            short_side = None
