"""From a config to a Runner, with the checks of what MMEngine leaves unchecked."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from ..datasets import check_data
from ..engine import CheckpointFitHook
from ..errors import ConfigError
from .config_check import check_config
from .model_check import check_model


def build_runner(cfg: Config, loaders: Sequence[str]) -> Runner:
    """Check a config, its work dir and its data, then build the Runner.

    Args:
        cfg (Config): Config of a run.
        loaders (Sequence[str]): Names of the loaders the run will use: 'train_dataloader' and 'val_dataloader', or
            'test_dataloader' alone.

    Returns:
        Runner: Ready to train or test; it refuses a checkpoint of another model.

    Raises:
        UserFacingError: If a setting, the data or the work dir is not as it must be.
    """
    check_config(cfg)
    check_work_dir(cfg.work_dir)
    check_data(cfg, loaders)
    runner = Runner.from_cfg(cfg)
    check_model(runner, cfg)
    runner.register_hook(CheckpointFitHook(testing='train_dataloader' not in loaders))
    return runner


def check_work_dir(work_dir: str | Path) -> None:
    """Raise ConfigError unless files can be made in the folder, or in the nearest one above that is there."""
    folder = Path(work_dir).absolute()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise ConfigError(
            f'work_dir={work_dir}: can not be written ({there}: {error.strerror}); expected a folder for logs and '
            'checkpoints: give another with --work-dir, or make this one writable'
        ) from error


def check_out_file(out: str | Path | None, suffixes: Sequence[str]) -> None:
    """Raise ConfigError unless a result can be written to a file, and in a format that its name tells.

    Args:
        out (str | Path, optional): The file; None for none.
        suffixes (Sequence[str]): What its name may end in.
    """
    if out is None:
        return
    file = Path(out)
    if file.suffix not in suffixes:
        raise ConfigError(f'--out {out}: expected a file that ends in {" or ".join(suffixes)}; name it so')
    if not file.parent.is_dir():
        raise ConfigError(f'--out {out}: the folder {file.parent} does not exist; make it, or give another')
