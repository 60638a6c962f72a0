"""All runs that are asked for, checked before the first is started."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ..errors import ConfigError
from .progress import state
from .run_spec import RunSpec
from .settings import hold_to_settings, run_config


def make_specs(
    configs: Sequence[Path], seeds: Sequence[int], work_dir: Path, tools: Path, options: Sequence[str], amp: bool
) -> list[RunSpec]:
    """Every config with every seed: all configs with the first seed come first.

    Args:
        configs (Sequence[Path]): The configs.
        seeds (Sequence[int]): Seeds, each once.
        work_dir (Path): Folder of all runs.
        tools (Path): Folder of train.py and test.py.
        options (Sequence[str]): Settings over the configs, 'train_cfg.max_epochs=10'.
        amp (bool): Whether to train in mixed precision.

    Returns:
        list[RunSpec]: A stop at any time leaves rows that can be compared.

    Raises:
        ConfigError: If a seed is negative or given twice, or an option is no KEY=VALUE.
    """
    if len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ConfigError(f'--seeds {" ".join(map(str, seeds))}: expected different numbers, 0 or more; give each once')
    for option in options:
        if not option.partition('=')[0] or '=' not in option:
            raise ConfigError(f'--cfg-options {option}: expected KEY=VALUE, such as train_cfg.max_epochs=10')
    settings = dict(option.split('=', 1) for option in options)
    if 'randomness.seed' in settings:
        raise ConfigError('--cfg-options randomness.seed=...: expected seeds in --seeds; give them there')
    return [
        RunSpec(config.resolve(), seed, work_dir.resolve(), tools, Path.cwd(), settings, amp)
        for seed in seeds
        for config in configs
    ]


def check_specs(specs: Sequence[RunSpec]) -> list[int]:
    """Read the config of each run, and hold it against what the run's folder was begun with.

    Returns:
        list[int]: How many epochs each is to train.

    Raises:
        ConfigError: If a config can't be read, or a folder was begun with other settings.
    """
    epochs = []
    for spec in specs:
        cfg = run_config(spec)
        hold_to_settings(spec, cfg, write=False)
        epochs.append(cfg.train_cfg.max_epochs)
    return epochs


def print_plan(specs: Sequence[RunSpec]) -> None:
    """List the runs and how far they are."""
    table = Table('config', 'seed', 'state', title=f'{len(specs)} runs in {specs[0].work_dir}')
    for spec in specs:
        table.add_row(spec.config.stem, str(spec.seed), state(spec))
    Console().print(table)
