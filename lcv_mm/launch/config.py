"""A config: read from its file, overridden by the command line, and looked at by dotted key."""

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from ..errors import ConfigError, did_you_mean

CONFIGS = Path(__file__).parents[1] / 'configs'
# what the Runner looks up in the config itself, beside its arguments
LOOKED_UP = (
    'activation_checkpointing', 'compile', 'detect_anomalous_params', 'efficient_conv_bn_eval',
    'find_unused_parameters', 'model_wrapper_cfg', 'sync_bn',
)  # fmt: skip
RUNNER_KEYS = {*LOOKED_UP, *inspect.signature(Runner.__init__).parameters} - {'self', 'cfg'}


def load_config(file: str | Path, needs: Iterable[str] = ()) -> Config:
    """Read a config file.

    Args:
        file (str | Path): The file, text-style or pure Python, or the name of one that comes with lcv_mm:
            'configs/lcv_cbp_vgg16_cub448.py' or 'lcv_cbp_vgg16_cub448', where there is no file of that path.
        needs (Iterable[str]): Keys that must be there and not None.

    Raises:
        ConfigError: If the file is missing, can't be read or run, or lacks one of the keys.
    """
    path = Path(file)
    if not path.is_file():
        own = CONFIGS / f'{str(file).removeprefix("configs/").removesuffix(".py")}.py'
        if not own.is_file():
            folder = path.parent if path.parent.is_dir() and path.suffix else CONFIGS
            hint = did_you_mean(str(path), [str(path.parent / other.name) for other in folder.glob('*.py')])
            raise ConfigError(
                f'{file}: no such config file (current folder: {Path.cwd()}){hint} '
                'Give the path of a config, or the name of one of lcv_mm, such as configs/lcv_cbp_resnet18_birdlets.py'
            )
        path = own
    try:
        cfg = Config.fromfile(path)
        _import_all(cfg)
    except Exception as error:  # a config is a program: it may raise anything
        raise ConfigError(
            f'{file}: cannot be read as a config: {type(error).__name__}: {_first_line(error)}. Expected a Python '
            'file that sets model, train_dataloader and so on; correct it (LCV_MM_TRACEBACK=1 shows the line), or '
            'start from a config of configs/'
        ) from error
    absent = [key for key in needs if cfg.get(key) is None]
    if absent:
        hint = did_you_mean(absent[0], [key for key in cfg if cfg.get(key) is not None])
        raise ConfigError(
            f'{file}: lacks {", ".join(absent)}{hint} Expected all of {", ".join(needs)} for this command; add what '
            "is missing, or inherit it from one of the project's configs"
        )
    return cfg


def override_config(cfg: Config, options: Mapping[str, Any] | None) -> None:
    """Put the settings of `--cfg-options` into a config.

    Args:
        cfg (Config): The config; it is changed.
        options (Mapping[str, Any], optional): Value of each dotted key, `{'model.head.out_dim': 4096}`.

    Raises:
        ConfigError: If a key begins with a name that neither the config nor MMEngine's Runner knows (MMEngine would
            ignore it), or leads through something that is neither a dict nor a list.
    """
    known = {*cfg, *RUNNER_KEYS}
    for key, value in (options or {}).items():
        first = key.partition('.')[0]
        if first not in known:
            raise ConfigError(
                f'--cfg-options {key}={value}: the config has no {first!r}{did_you_mean(first, known)} '
                f'Expected a key that begins with one of {", ".join(sorted(RUNNER_KEYS & {*cfg}))}'
            )
        try:
            cfg.merge_from_dict({key: value})
        except (KeyError, TypeError, ValueError) as error:  # through a number, or to a place that a list has not
            raise ConfigError(
                f'--cfg-options {key}={value}: there is no such place in the config: {_first_line(error)}; expected a '
                'key that leads through dicts, and through lists by the number of the entry, from 0'
            ) from error


def setting(cfg: Any, key: str) -> Any:
    """The value at a dotted key, or None where there is no such place."""
    part = cfg
    for name in key.split('.'):
        if isinstance(part, list) and name.isdigit() and int(name) < len(part):
            part = part[int(name)]
        elif isinstance(part, Mapping | Config):
            part = part.get(name)
        else:
            return None
    return part


def flat_settings(part: Mapping[str, Any], prefix: str = '') -> dict[str, str]:
    """A config as {dotted key: value as text}; lists stay as they are, their classes as text."""
    items: dict[str, str] = {}
    for key, value in part.items():
        if isinstance(value, Mapping) and value:
            items |= flat_settings(value, f'{prefix}{key}.')
        else:
            items[prefix + key] = str(value)
    return items


def type_name(part: Any) -> str:
    """The bare name of a part's class, whether its `type` is a name, a dotted name or the class; '' without one."""
    kind = part.get('type', '') if isinstance(part, Mapping) else ''
    return kind.rpartition('.')[2] if isinstance(kind, str) else getattr(kind, '__name__', '')


def _import_all(part: Any) -> None:
    """Look at each value once: a pure-Python config imports its classes no earlier."""
    if isinstance(part, Mapping | Config):
        for _, value in part.items():
            _import_all(value)
    elif isinstance(part, list | tuple):
        for value in part:
            _import_all(value)


def _first_line(error: Exception) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return ([*text.strip().splitlines(), ''])[0].partition(', the current sys.path')[0].rstrip(' .:')[:300]
