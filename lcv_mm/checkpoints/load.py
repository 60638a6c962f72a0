"""Checkpoints are data: loading one never runs code that the file brings along.

Ours although torch has `weights_only`: the toolbox's releases turn it off or, where a file needs more, load unsafely,
and torch does not know what a Runner's file holds.
"""

import codecs
import functools
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader, checkpoint
from mmengine.runner.checkpoint import get_torchvision_models

from ..errors import CheckpointError, WeightsError, did_you_mean

_FORCE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
_FORCE_NOT = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'
_STATISTICS = ('min', 'max', 'mean', 'current')
_DAMAGE = ('PytorchStreamReader', 'inline_container', 'unexpected EOF', 'magic number')
# Other formats, told by the file's name or the error, and what reads their weights
_READERS = {
    'safetensors': 'safetensors.torch.load_file(FILE)',
    'pt2': 'torch.export.load(FILE).state_dict',
    'TorchScript': 'torch.jit.load(FILE).state_dict()',
}
_load_by_mmengine = CheckpointLoader.load_checkpoint


def load_checkpoints_safely() -> None:
    """Make each load of a checkpoint in this process (and its children) refuse everything but data.

    From now on `torch.load` has `weights_only=True`, whoever calls it, and what MMEngine's Runner saves besides
    tensors (histories, numpy arrays and scalars) is allowed. On both releases each route to a checkpoint (`resume`,
    `load_from`, `init_cfg`, `load_checkpoint`, URLs) ends in `CheckpointLoader.load_checkpoint`; there the errors get
    a text that helps. To be called once, at the start of a tool; calling again changes nothing.
    """
    os.environ.pop(_FORCE_NOT, None)  # only --trust-checkpoint allows checkpoints to run code
    os.environ[_FORCE] = '1'
    torch.serialization.add_safe_globals(_allowed())
    if hasattr(checkpoint, '_safe_torch_load'):
        # The fork's own allows the real getattr and, where that is not enough, loads unsafely.
        checkpoint._safe_torch_load = _load_weights
    CheckpointLoader.load_checkpoint = staticmethod(load_checkpoint)


def trust_checkpoints() -> None:
    """Let checkpoints hold, and run, anything: for `--trust-checkpoint`, instead of `load_checkpoints_safely`.

    The official release needs this to load a Runner's checkpoint with torch >= 2.6; the fork loads it either way.
    """
    os.environ.pop(_FORCE, None)
    os.environ[_FORCE_NOT] = '1'


def load_checkpoint(filename: str, map_location: Any = None, logger: Any = 'current') -> Any:
    """MMEngine's `CheckpointLoader.load_checkpoint`, its errors about the file turned into a CheckpointError."""
    try:
        return _load_by_mmengine(filename, map_location, logger)
    except Exception as error:
        problem = _problem(str(filename), error)
        if problem is None:
            raise
        raise CheckpointError(problem) from error


def is_intact(file: Path) -> bool:
    """Whether a file of torch.save is complete: an archive ends with its directory, each part has its checksum.

    Of an older file, a bare pickle, the beginning is all that can be told.
    """
    try:
        with file.open('rb') as opened:
            if opened.read(2) == b'\x80\x02':
                return True
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError):
        return False


def download_url(source: str) -> str:
    """The URL that `torchvision://vgg16` stands for, WeightsError if for none; other sources as they are."""
    scheme, _, name = source.partition('://')
    if scheme not in ('torchvision', 'modelzoo'):
        return source
    urls = get_torchvision_models()
    if name not in urls:
        raise WeightsError(f'{source}: torchvision has no weights of that name{did_you_mean(name.lower(), urls)}')
    return urls[name]


def cached_file(url: str) -> Path:
    """Where torch.hub keeps the download of a URL."""
    return Path(torch.hub.get_dir(), 'checkpoints', Path(urlparse(url).path).name)


def _load_weights(file: Any, map_location: Any = None, weights_only: bool | None = None) -> Any:
    """In place of the fork's `_safe_torch_load`, of the same arguments."""
    return torch.load(file, map_location=map_location, weights_only=True)


@functools.cache
def _allowed() -> list[Any]:
    """What a Runner's checkpoint holds besides tensors and containers, and nothing more."""
    make_array: Any = np.zeros(0).__reduce__()[0]
    make_scalar: Any = np.float64(0).__reduce__()[0]
    dtypes = [type(np.dtype(kind)) for kind in (np.float64, np.int64, np.float32, np.int32, np.bool_)]
    renamed = [
        _under_name(function, module, name)
        for module in ('numpy._core.multiarray', 'numpy.core.multiarray')  # files of numpy 2, of numpy 1
        for name, function in (('_reconstruct', make_array), ('scalar', make_scalar))
    ]
    renamed.append(_under_name(_statistic, 'builtins', 'getattr'))
    # codecs.encode makes the bytes of arrays; torch 2.4 does not allow it by itself.
    return [codecs.encode, HistoryBuffer, np.ndarray, np.dtype, *dtypes, *renamed]


def _statistic(owner: object, name: object) -> Any:
    """What a file gets for `getattr`: with the real one it could reach and change any module."""
    if owner is HistoryBuffer and name in _STATISTICS:
        return getattr(HistoryBuffer, str(name))
    raise UnpicklingError(f'GLOBAL builtins.getattr was called for {str(name)[:40]!r}')


def _under_name(function: Callable[..., Any], module: str, name: str) -> Callable[..., Any]:
    """`function` as torch's list of allowed names shall know it (before 2.6 it takes no pairs of object and name)."""

    def call(*args: Any) -> Any:
        return function(*args)

    call.__module__, call.__name__, call.__qualname__ = module, name, name
    return call


def _problem(source: str, error: Exception) -> str | None:
    """What is wrong with the file and what to do, or None if the error is not about its content."""
    remote = '://' in source
    file = cached_file(download_url(source)) if remote else Path(source).expanduser()
    is_here = file.is_file()
    if not remote and not is_here:
        return f'{file}: no such checkpoint file (folder now: {Path.cwd()}); a run keeps its own in its work_dir'
    name = f'{source} (kept as {file})' if remote and is_here else source
    for kind, reader in _READERS.items():
        if is_here and (file.suffix == f'.{kind}' or kind in str(error)):
            return f"{name}: a {kind} file, expected one of torch.save; make one: torch.save({reader}, 'weights.pth')"
    # bytes read as what they are not may raise anything; of these kinds are torch's and the system's own words
    is_clear = isinstance(error, OSError | RuntimeError | MemoryError | UnpicklingError)
    if any(words in str(error) for words in _DAMAGE) or (is_here and not (is_clear and is_intact(file))):
        again = 'delete it and run again' if remote else 'copy or download it again, or take an earlier checkpoint'
        return f'{name}: damaged, or no checkpoint at all ({_reason(error)}). Expected a file of torch.save; {again}'
    if isinstance(error, UnpicklingError):
        return (
            f'{name}: refused, it holds other objects than weights ({_reason(error)}), and to load these is to run '
            "the file's code. If you trust its source, say so with --trust-checkpoint; if not, get the weights "
            'from elsewhere, or as a file of torch.save(model.state_dict(), ...)'
        )
    return None


def _reason(error: Exception) -> str:
    """The first name that torch refused, or its own words without its advice to load unsafely."""
    text = str(error)
    name = re.search(r'GLOBAL (\S+)', text)
    if name:
        return f'the first: {name[1]}'
    last = text.partition('WeightsUnpickler error:')[2].strip() or text.strip() or type(error).__name__
    return last.splitlines()[0].partition('. ')[0][:200]
