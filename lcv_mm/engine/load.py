"""Load checkpoints as data, without running any code that a file contains."""

import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import get_torchvision_models, load_from_http

from ..errors import CheckpointError, WeightsError

_FORCE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
_FORCE_NOT = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'


def _statistic(owner: object, name: object) -> Any:
    """Replace `getattr` in a file: with the real one, the file could reach and change any module."""
    if owner is HistoryBuffer and name in ('min', 'max', 'mean', 'current'):
        return getattr(HistoryBuffer, str(name))
    raise UnpicklingError(f'GLOBAL builtins.getattr was called for {str(name)[:40]!r}')


# Besides tensors and containers, a Runner's checkpoint has loss histories, and arrays and scalars of numpy 1 and 2
ALLOWED: list[Any] = [
    HistoryBuffer,
    (_statistic, 'builtins.getattr'),
    np.ndarray,
    np.dtype,
    *(type(np.dtype(kind)) for kind in (np.float64, np.int64, np.float32, np.int32, np.bool_)),
    *(
        (function, f'{module}.{name}')
        for module in ('numpy._core.multiarray', 'numpy.core.multiarray')
        for name, function in (('_reconstruct', np.zeros(0).__reduce__()[0]), ('scalar', np.float64(0).__reduce__()[0]))
    ),
]


def load_checkpoints_safely() -> None:
    """Make this process and its children refuse checkpoints that contain more than data.

    Every call of `torch.load` gets `weights_only=True`. MMEngine's `CheckpointLoader`, which loads all checkpoints
    (`resume`, `load_from`, `init_cfg`, URLs), gets the loaders below, because those of onedl-mmengine allow the real
    `getattr`. Call this once, at the start of a tool.
    """
    os.environ.pop(_FORCE_NOT, None)  # only --trust-checkpoint allows checkpoints to run code
    os.environ[_FORCE] = '1'
    torch.serialization.add_safe_globals(ALLOWED)
    CheckpointLoader.register_scheme('', load_from_file, force=True)
    CheckpointLoader.register_scheme(
        ['http://', 'https://', 'torchvision://', 'modelzoo://'], load_from_url, force=True
    )
    CheckpointLoader.register_scheme(['pavi://', r'(\S+\:)?s3://', r'(\S+\:)?petrel://'], _load_from_store, force=True)


def trust_checkpoints() -> None:
    """Allow checkpoints to contain and run code: `--trust-checkpoint`, instead of `load_checkpoints_safely`."""
    os.environ.pop(_FORCE, None)
    os.environ[_FORCE_NOT] = '1'


def load_from_file(filename: str, map_location: Any = None) -> Any:
    """Load a file of `torch.save`; CheckpointError if it is missing, damaged, or contains more than data."""
    file = Path(filename).expanduser()
    if not file.is_file():
        raise CheckpointError(f'{file}: no such checkpoint file')
    with _data_only(file):
        return torch.load(file, map_location=map_location)


def load_from_url(url: str, map_location: Any = None) -> Any:
    """Load a URL or `torchvision://vgg16` through torch.hub's cache; delete a damaged download.

    Raises:
        CheckpointError: If the file is damaged or contains more than data.
        WeightsError: If it cannot be downloaded.
        KeyError: If torchvision has no weights of that name.
    """
    scheme, _, name = url.partition('://')
    if scheme in ('torchvision', 'modelzoo'):
        url = get_torchvision_models()[name]
    file = Path(torch.hub.get_dir(), 'checkpoints', Path(urlparse(url).path).name)
    was_there = file.exists()
    try:
        with _data_only(file, downloaded=not was_there):
            return load_from_http(url, map_location=map_location)
    except (OSError, HTTPException) as error:  # OSError: also URLError, HTTPError, timeouts
        raise WeightsError(
            f'{file.name}: could not be downloaded from {url} ({error}). Put it into {file.parent}. Or, for a '
            'backbone, name a copy with --cfg-options model.backbone.init_cfg.checkpoint=FILE, or start from random '
            'weights: model.backbone.init_cfg=None'
        ) from error


def is_intact(file: Path) -> bool:
    """Whether a file of torch.save is complete: its archive has a directory at the end and a checksum per part."""
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError):
        return False


def _load_from_store(url: str, map_location: Any = None) -> Any:
    raise CheckpointError(f'{url}: only files and http(s) are loaded safely; copy it, or add --trust-checkpoint')


@contextmanager
def _data_only(file: Path, downloaded: bool = False) -> Iterator[None]:
    """Allow what a Runner saves, and turn errors about a file's content into a CheckpointError."""
    torch.serialization.add_safe_globals(ALLOWED)
    try:
        yield
    except Exception as error:  # damaged bytes may raise anything
        if refused := re.search(r'(?<=GLOBAL )\S+|TorchScript', str(error)):
            raise CheckpointError(
                f'{file}: refused, it holds code ({refused[0]}). If you trust its source, add --trust-checkpoint'
            ) from error
        # for an intact file, an error is torch's own (memory, devices)
        if not file.exists() or is_intact(file):
            raise
        if downloaded:  # torch.hub would use it the next time
            file.unlink()
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:200]
        raise CheckpointError(f'{file}: damaged, or not a file of torch.save ({reason}); download it again') from error
