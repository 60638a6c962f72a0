"""ImageNet weights for a backbone, strictly: weights that do not fit are an error."""

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import get_torchvision_models
from torch import Tensor, nn

from ..errors import CheckpointError, WeightsError

Rename = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]
_SHOWN = 3
_OWN_FILE = '--cfg-options model.backbone.init_cfg.checkpoint=/path/to/{}'
_FROM_SCRATCH = '--cfg-options model.backbone.init_cfg=None'


def load_pretrained(
    module: nn.Module,
    checkpoint: str | os.PathLike[str],
    prefix: str | None = None,
    map_location: str = 'cpu',
    rename: Rename | None = None,
) -> None:
    """Load weights into a backbone, and fail unless every parameter and buffer gets its own.

    MMEngine's `PretrainedInit` only warns when nothing fits, and training starts from random weights.

    Args:
        module (nn.Module): The backbone.
        checkpoint (str | PathLike): A file, a URL, or `torchvision://vgg16`.
        prefix (str, optional): Keep only the keys that start so, and strip it: `'backbone.'` for a classifier's file.
        map_location (str): As in `torch.load`.
        rename (Callable, optional): `rename(state_dict) -> state_dict`, applied after the prefix is stripped.

    Raises:
        WeightsError: If the file is missing, can't be downloaded or read, or does not fit `module`.
        CheckpointError: If the file is refused by `lcv_mm.engine.safe_checkpoint`.
    """
    source = str(checkpoint)
    content = _read(source, map_location)
    weights = _state_dict(content, source)
    found = weights if prefix is None else _without_prefix(weights, prefix)
    if rename is not None:
        try:
            found = rename(found)
        except WeightsError as error:
            raise WeightsError(f'{source}: {error}') from error
    own = module.state_dict()
    expected = {key: value for key, value in own.items() if not key.endswith('num_batches_tracked')}
    _check_fit(expected, found, f'{source} into {type(module).__name__}', list(weights))

    module.load_state_dict(dict(found), strict=False)
    extra = [key for key in found if key not in own]
    print_log(
        f'{source}: {len(expected)} of {len(expected)} tensors of {type(module).__name__} loaded'
        + (f'; not used: {_listed(extra)}' if extra else ''),
        logger='current',
    )


def download_url(source: str) -> str:
    """The URL behind `torchvision://vgg16`; other sources as they are.

    Raises:
        WeightsError: If torchvision has no weights of that name.
    """
    scheme, _, name = source.partition('://')
    if scheme not in ('torchvision', 'modelzoo'):
        return source
    urls = get_torchvision_models()
    if name not in urls:
        close = ', '.join(difflib.get_close_matches(name.lower(), urls, n=_SHOWN, cutoff=0.4)) or 'vgg16, resnet50'
        raise WeightsError(f'{source}: torchvision has no weights of that name; close to it: {close}')
    return urls[name]


def cached_file(url: str) -> Path:
    """Where torch.hub keeps the download of a URL."""
    return Path(torch.hub.get_dir(), 'checkpoints', Path(urlparse(url).path).name)


def _read(source: str, map_location: str) -> Any:
    """The content of a checkpoint; what goes wrong is a WeightsError."""
    if '://' not in source:
        return _read_file(Path(source).expanduser(), map_location)
    url = download_url(source)
    file = cached_file(url)
    was_there = file.is_file()
    try:
        return CheckpointLoader.load_checkpoint(url, map_location)
    except (OSError, HTTPException) as error:  # OSError: also URLError, HTTPError, timeouts, broken connections
        raise WeightsError(_unreachable(url, file, error)) from error
    except Exception as error:
        if not was_there:
            # torch.hub keeps a download that was cut off under its final name, and would take it the next time.
            if file.is_file():
                file.unlink()
            raise WeightsError(_unreachable(url, file, f'what came can not be read: {_first_line(error)}')) from error
        if isinstance(error, CheckpointError):
            raise
        raise WeightsError(f'{file} can not be read ({_first_line(error)}); delete it and run again') from error


def _read_file(file: Path, map_location: str) -> Any:
    if not file.is_file():
        raise WeightsError(
            f'{file}: no such file of pretrained weights (folder now: {Path.cwd()}). Give its path with '
            f'{_OWN_FILE.format(file.name)}, or start from random weights with {_FROM_SCRATCH}'
        )
    try:
        return CheckpointLoader.load_checkpoint(str(file), map_location)
    except CheckpointError:
        raise
    except Exception as error:  # a file that is no checkpoint may raise anything
        raise WeightsError(
            f'{file} can not be read as weights ({_first_line(error)}); copy or download it again, '
            f'or start from random weights with {_FROM_SCRATCH}'
        ) from error


def _unreachable(url: str, file: Path, reason: object) -> str:
    return (
        f'{file.name} could not be downloaded from {url} ({reason}). Put the file into {file.parent} by hand, '
        f'or give a copy of it with {_OWN_FILE.format(file.name)}, '
        f'or start from random weights with {_FROM_SCRATCH}'
    )


def _state_dict(content: Any, source: str) -> Mapping[str, Any]:
    """The weights in a file: the whole of it, or its `state_dict` or `model`."""
    for key in ('state_dict', 'model'):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            return content[key]
    if not isinstance(content, Mapping):
        raise WeightsError(
            f'{source} holds a {type(content).__name__}, no weights; expected a dict of tensors, '
            'as of torch.save(model.state_dict(), ...)'
        )
    return content


def _without_prefix(weights: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    prefix = prefix if prefix.endswith('.') else f'{prefix}.'
    return {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}


def _check_fit(expected: Mapping[str, Tensor], found: Mapping[str, Any], what: str, names: list[str]) -> None:
    """Raise unless each expected tensor is found in its shape; `names` are the file's own keys, for the message."""
    wrong = [key for key, value in expected.items() if _shape(found.get(key)) != tuple(value.shape)]
    if not wrong:
        return
    lines = [
        f'  {key}: expected {tuple(expected[key].shape)}, found {_shape(found.get(key))}'
        for key in islice(wrong, _SHOWN)
    ]
    raise WeightsError(
        f'{what}: only {len(expected) - len(wrong)} of {len(expected)} tensors fit. The first that do not:\n'
        + '\n'.join(lines)
        + f'\nThe file holds: {_listed(names)}\n'
        'Give weights of this architecture (model.backbone.init_cfg.checkpoint), or name what their keys '
        "begin with (model.backbone.init_cfg.prefix, e.g. 'backbone.')"
    )


def _shape(value: Any) -> tuple[int, ...] | None:
    return tuple(value.shape) if isinstance(value, Tensor) else None


def _listed(names: Sequence[str]) -> str:
    return ', '.join([*names[:_SHOWN], *(['...'] if len(names) > _SHOWN else [])]) or 'nothing'


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
