"""Plan the runs of a command and check them before the first starts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mmengine.config import DictAction

from ..errors import ConfigError, did_you_mean
from ..launch import load_config
from ..visualization import read_scalars
from .paper import read_rows
from .record import FINISHED, SETTINGS_FILE, read_record

SEED = '{seed}'  # in an option's value: replaced by the seed of each run


@dataclass(frozen=True)
class RunSpec:
    """One config with one seed. All paths are absolute, so they hold in any process."""

    config: Path
    seed: int
    work_dir: Path  # of all runs
    tools: Path  # folder of train.py and test.py
    cwd: Path  # the paths of the data are relative to it
    options: Mapping[str, str] = field(default_factory=dict)  # as on a command line, with `{seed}` for the seed
    amp: bool = False
    data: str = ''  # absolute path of the images of `--data`; '' for the datasets of the configs

    @property
    def folder(self) -> Path:
        """The folder of the run's logs, checkpoints and record."""
        return self.work_dir / self.config.stem / f'seed_{self.seed}'

    @property
    def settings(self) -> dict[str, str]:
        """The options, with the seed filled in, and the seed, as on a command line."""
        options = {key: value.replace(SEED, str(self.seed)) for key, value in self.options.items()}
        return {**options, 'randomness.seed': str(self.seed)}

    def __str__(self) -> str:
        return f'{self.config.stem}, seed {self.seed}'


def find_configs(names: Sequence[str]) -> list[Path]:
    """Find the files of configs, each given by its path or name.

    Raises:
        ConfigError: If a config does not exist, or two have the same file name, which names the folder of their runs.
    """
    paths = [Path(load_config(name).filename).resolve() for name in names]
    stems = [path.stem for path in paths]
    if twice := {stem for stem in stems if stems.count(stem) > 1}:
        raise ConfigError(f'two configs are called {twice.pop()}.py; expected different names: rename one of them')
    return paths


def choose_rows(
    configs: Path, tables: Sequence[int] = (), patterns: Sequence[str] = (), dataset: str = ''
) -> list[Path]:
    """Choose configs in the folder `configs/`: rows of the paper's tables, or all on a dataset such as 'flower112'.

    With `patterns` such as `lcv_*_cub448`, a name must match one of them. A pattern without a match is a ConfigError.
    """
    if dataset:
        end = 'birdlets64' if dataset == 'birdlets' else dataset
        known = sorted(configs.glob(f'*/*_{end}*.py'), key=lambda path: (path.parent.name == 'ablations', path.name))
    else:
        known = [configs / f'{row.config}.py' for row in read_rows() if not tables or row.table in tables]
    names = [path.stem for path in known]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ConfigError(f'--rows {pattern}: fits none of {len(names)} rows{did_you_mean(pattern, names)}')
    return [path for path in known if not patterns or any(fnmatchcase(path.stem, pattern) for pattern in patterns)]


def make_specs(
    configs: Sequence[Path],
    seeds: Sequence[int],
    work_dir: Path,
    tools: Path,
    options: Sequence[str],
    amp: bool,
    data: str = '',
) -> list[RunSpec]:
    """Combine each config with each seed. The arguments are those of `RunSpec`; an option is 'model.head.out_dim=64'.

    All configs come with the first seed first, so that the runs done at any time can be compared.
    """
    if unclear := [option for option in options if '=' not in option]:
        raise ConfigError(f'--cfg-options {unclear[0]}: expected KEY=VALUE')
    settings = dict(option.split('=', 1) for option in options)
    return [
        RunSpec(config.resolve(), seed, work_dir.resolve(), tools, Path.cwd(), settings, amp, data)
        for seed in dict.fromkeys(seeds)
        for config in configs
    ]


def check_settings(spec: RunSpec) -> dict[str, str]:
    """Return the settings of a run, {dotted key: value as text}; raise ConfigError if its folder has others."""
    options = {key: DictAction._parse_iterable(value) for key, value in spec.settings.items()}
    cfg = load_config(spec.config, ('model', 'train_dataloader', 'test_dataloader'), options)
    settings = {**flat_settings(cfg.to_dict()), 'amp': str(spec.amp), **({'data': spec.data} if spec.data else {})}
    file = spec.folder / SETTINGS_FILE
    before = json.loads(file.read_text()) if file.is_file() else settings
    differing = sorted(key for key in before.keys() | settings if before.get(key) != settings.get(key))
    if differing:
        shown = ', '.join(f'{key}={settings.get(key)} (before: {before.get(key)})' for key in differing[:3])
        raise ConfigError(
            f'{spec.folder} was started with other settings: {shown}{" and more" * (len(differing) > 3)}; '
            'give another --work-dir, or delete the folder'
        )
    return settings


def flat_settings(part: Mapping[str, Any], prefix: str = '') -> dict[str, str]:
    """Flatten a config to {dotted key: value as text}; lists are not flattened."""
    items: dict[str, str] = {}
    for key, value in part.items():
        if isinstance(value, Mapping) and value:
            items |= flat_settings(value, f'{prefix}{key}.')
        else:
            items[prefix + key] = str(value)
    return items


def state(spec: RunSpec) -> str:
    """The state of a run: 'finished, 57.00 %', 'unfinished (epoch 12)', 'failed, to be tried again' or 'to do'."""
    record = read_record(spec.folder)
    if record is not None:
        return f'finished, {record.result:.2f} %' if record.status == FINISHED else 'failed, to be tried again'
    epoch = max((logged.get('epoch', 0) for logged in read_scalars(spec.folder)), default=0)
    return f'unfinished (epoch {epoch})' if epoch else 'to do'
