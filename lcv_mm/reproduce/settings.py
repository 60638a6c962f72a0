"""What a run's folder was begun with: a run is carried on with the same settings only."""

import json
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config, DictAction

from ..engine import AtomicBackend
from ..errors import ConfigError
from ..launch import load_config, override_config
from .run_spec import RunSpec

SETTINGS = 'settings.json'


def run_config(spec: RunSpec) -> Config:
    """The config of a run, with its options and its seed."""
    cfg = load_config(spec.config, ('model', 'train_dataloader', 'test_dataloader'))
    override_config(cfg, {key: DictAction._parse_iterable(value) for key, value in spec.options.items()})
    override_config(cfg, {'randomness.seed': spec.seed})
    return cfg


def hold_to_settings(spec: RunSpec, cfg: Config, write: bool) -> None:
    """Compare a run's settings with those that its folder was begun with.

    Args:
        spec (RunSpec): The run.
        cfg (Config): Its config, of `run_config`.
        write (bool): Whether to note them, where the folder has none yet.

    Raises:
        ConfigError: If they differ.
    """
    file = spec.folder / SETTINGS
    now = {**_flat(cfg.to_dict()), 'amp': str(spec.amp)}
    if file.is_file():
        begun = json.loads(file.read_text())
        differing = sorted(key for key in begun.keys() | now.keys() if begun.get(key) != now.get(key))
        if differing:
            shown = ', '.join(f'{key}={now.get(key)} (there: {begun.get(key)})' for key in differing[:3])
            raise ConfigError(
                f'{spec.folder} was begun with other settings: {shown}{" and more" if len(differing) > 3 else ""}; '
                'expected the same, since its result would be of neither: give another --work-dir, or delete the folder'
            )
    elif write:
        AtomicBackend().put((json.dumps(now, indent=2) + '\n').encode(), file)


def _flat(part: Mapping[str, Any], prefix: str = '') -> dict[str, str]:
    """A config as {dotted key: value as text}."""
    items: dict[str, str] = {}
    for key, value in part.items():
        if isinstance(value, Mapping) and value:
            items |= _flat(value, f'{prefix}{key}.')
        else:
            items[prefix + key] = str(value)
    return items
