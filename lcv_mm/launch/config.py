"""Read configs, override and query their settings, and show errors without a traceback."""

import inspect
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.runner import Runner

from ..errors import ConfigError, UserFacingError, did_you_mean

CONFIGS = Path(__file__).parents[1] / 'configs'
# keys that the Runner reads from the config itself, in addition to its arguments
LOOKED_UP = (
    'activation_checkpointing', 'compile', 'detect_anomalous_params', 'efficient_conv_bn_eval',
    'find_unused_parameters', 'model_wrapper_cfg', 'sync_bn',
)  # fmt: skip
RUNNER_KEYS = {*LOOKED_UP, *inspect.signature(Runner.__init__).parameters} - {'self', 'cfg'}


@contextmanager
def short_errors() -> Iterator[None]:
    """Run a command; a `UserFacingError` ends it with exit code 1 and only its message.

    Other errors keep their traceback.
    """
    _warn_of_two_toolboxes()
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', '.*pin_memory. argument is set as true but no accelerator is found')
        warnings.filterwarnings('ignore', 'This DataLoader will create .* worker processes')
        warnings.filterwarnings('ignore', r'.*isinstance\(treespec, LeafSpec\).* is deprecated')  # by torch.export
        try:
            yield
        except UserFacingError as error:
            # an error raised in a worker of a dataloader has the worker's traceback before its message
            name = f'{type(error).__module__}.{type(error).__qualname__}: '
            raise SystemExit(f'\nerror: {str(error).rpartition(name)[2].rstrip()}') from None


def _warn_of_two_toolboxes() -> None:
    """Warn if both distributions of the toolbox are installed."""
    for official in ('mmengine', 'mmpretrain'):
        if all([*distributions(name=name)] for name in (official, f'onedl-{official}')):
            warnings.warn(
                f'{official} and onedl-{official} are both installed and overwrite each other: uninstall both, then '
                'install one of them again',
                stacklevel=2,
            )


def load_config(file: str | Path, needs: Iterable[str] = (), options: Mapping[str, Any] | None = None) -> Config:
    """Read a config file and override its settings by `options`, as `override_config` does.

    Args:
        file (str | Path): A text-style or pure-Python file, the name of a config of lcv_mm
            ('lcv_cbp_vgg16_cub448', 'small/lcv_cbp_vgg16_flower112'; the folder may be left out), or a config of an
            installed package of the toolbox ('mmpretrain::resnet/resnet18_8xb32_in1k.py').
        needs (Iterable[str]): Required keys, which must not be None. Defaults to none.
        options (Mapping[str, Any], optional): {dotted key: value}.

    Returns:
        Config: With the overridden settings.

    Raises:
        ConfigError: If there is no such file, or it lacks one of the keys.
    """
    cfg = get_config(file) if isinstance(file, str) and '::' in file else Config.fromfile(_find(file))
    override_config(cfg, options)
    missing = [key for key in needs if cfg.get(key) is None]
    if missing:
        raise ConfigError(f'{file}: this command needs a config with {", ".join(missing)}')
    return cfg


def override_config(cfg: Config, options: Mapping[str, Any] | None) -> None:
    """Override settings of a config by `--cfg-options`, {dotted key: value} such as `{'model.head.out_dim': 4096}`.

    Raises:
        ConfigError: If a key begins with a name that neither the config nor MMEngine's Runner knows, which MMEngine
            would ignore.
    """
    known = {*cfg, *RUNNER_KEYS}
    for key, value in (options or {}).items():
        first = key.partition('.')[0]
        if first not in known:
            raise ConfigError(f'--cfg-options {key}={value}: the config has no {first!r}{did_you_mean(first, known)}')
    cfg.merge_from_dict(dict(options or {}))


def type_name(part: Any) -> str:
    """The name of a part's class without its module, from a `type` of any form; '' without a `type`."""
    kind = part.get('type', '') if isinstance(part, Mapping) else ''
    return kind.rpartition('.')[2] if isinstance(kind, str) else getattr(kind, '__name__', '')


def _find(file: str | Path) -> Path:
    """The file itself, or the config of lcv_mm with that name."""
    path = Path(file)
    if path.is_file():
        return path
    name = str(file).removeprefix('configs/').removesuffix('.py')
    configs = [config for pattern in ('*.py', '[!_]*/*.py') for config in CONFIGS.glob(pattern)]
    for config in configs:
        if name in (config.stem, str(config.relative_to(CONFIGS).with_suffix(''))):
            return config
    hint = did_you_mean(Path(name).name, [config.stem for config in configs])
    raise ConfigError(f'{file}: no such config file, and no config of lcv_mm{hint} `lcv_mm configs` lists them')
