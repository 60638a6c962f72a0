"""ImageNet weights for a backbone, strictly: weights that do not fit are an error."""

import os
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from torch import Tensor, nn

from ..errors import WeightsError
from .checkpoint_fit_hook import fit_of, state_dict_in, unwrapped
from .load import cached_file, download_url, load_from_file, load_from_url


def load_pretrained(
    module: nn.Module,
    checkpoint: str | os.PathLike[str],
    prefix: str | None = None,
    rename: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] | None = None,
) -> None:
    """Load weights into a backbone, and fail unless every parameter and buffer gets its own.

    MMEngine's `PretrainedInit` only warns when nothing fits, and training starts from random weights.

    Args:
        module (nn.Module): The backbone.
        checkpoint (str | PathLike): A file, a URL, or `torchvision://vgg16`.
        prefix (str, optional): Keep only the keys that start so, and strip it: `'backbone.'` for a classifier's file.
        rename (Callable, optional): `rename(state_dict) -> state_dict`, applied after the prefix is stripped.

    Raises:
        WeightsError: If the file is missing, can't be downloaded, or does not fit `module`.
        CheckpointError: If the file is damaged, holds no weights, or is refused because it holds more than data.
    """
    source = str(checkpoint)
    weights = state_dict_in(_read(source), source, 'state_dict', 'model')
    found: Mapping[str, Tensor] = unwrapped(weights, module)
    if prefix is not None:
        prefix = f'{prefix.removesuffix(".")}.'.removeprefix('module.')
        found = {key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)}
    if rename is not None:
        try:
            found = rename(found)
        except WeightsError as error:
            raise WeightsError(f'{source}: {error}') from error
    fit = fit_of(module, found)
    if fit.wrong:
        raise WeightsError(
            f'{source}: {fit.summary}. {fit.first_wrong()} (the file holds {_listed(list(weights))}). Give weights '
            'of this architecture (model.backbone.init_cfg.checkpoint), or name what their keys begin with '
            "(model.backbone.init_cfg.prefix, e.g. 'backbone.')"
        )
    module.load_state_dict(dict(found), strict=False)
    unused = f'; not used: {_listed(fit.extra)}' if fit.extra else ''
    print_log(f'{source}: {fit.summary} and are loaded{unused}', logger='current')


def _read(source: str) -> Any:
    """The content of a file; WeightsError if it is not there and cannot be downloaded."""
    remote = '://' in source
    source = download_url(source)
    file = cached_file(source) if remote else Path(source).expanduser()
    try:
        if remote:
            return load_from_url(source, 'cpu')
        if file.is_file():
            return load_from_file(str(file), 'cpu')
        problem = 'no such file of pretrained weights'
    except (OSError, HTTPException) as error:  # OSError: also URLError, HTTPError, timeouts
        problem = f'could not be downloaded from {source} ({error})'
    raise WeightsError(
        f'{file.name}: {problem}. Put the file into {file.parent} by hand, give a copy of it with '
        f'--cfg-options model.backbone.init_cfg.checkpoint=/path/to/{file.name}, or start from random weights with '
        '--cfg-options model.backbone.init_cfg=None'
    )


def _listed(names: Sequence[str]) -> str:
    return ', '.join([*names[:3], *(['...'] if len(names) > 3 else [])]) or 'nothing'
