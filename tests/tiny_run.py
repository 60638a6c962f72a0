"""Settings that shrink a config to a run of seconds, the one place where the tests do so, and what such runs need."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
BIRDLETS = {'num_classes': 6, 'train_per_class': 4, 'test_per_class': 2, 'image_size': 64}


def loader(dataset: object, batch_size: int = 2, **more: object) -> dict[str, object]:
    """A dataloader in the test's process, its images shuffled."""
    collate = dict(type='default_collate')
    settings = dict(batch_size=batch_size, num_workers=0, dataset=dataset, collate_fn=collate)
    return settings | dict(sampler=dict(type='DefaultSampler', shuffle=True)) | more


def run_python(*args: object, check: bool = True, **env: str) -> subprocess.CompletedProcess:
    """Run a file of the project in a process of its own; without `check` it may fail."""
    command = [sys.executable, '-W', 'ignore', *map(str, args)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, env={**os.environ, **env})
    assert not (check and done.returncode), f'{done.stdout[-2000:]}\n{done.stderr[-3000:]}'
    return done


def wait_until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    """Return once it holds; an error if it does not within the time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def tiny_settings(data_root: Path, epochs: int = 1, dataset: Mapping[str, int] = BIRDLETS) -> dict[str, object]:
    """Value of each dotted key for a run on a CPU: no workers, batches of 8, crops of 64, a checkpoint each epoch.

    Args:
        data_root (Path): Folder of the data.
        epochs (int): How many.
        dataset (Mapping[str, int]): Settings of Birdlets: 24 training and 12 test images. Empty for other datasets.
    """
    values: dict[str, object] = {
        'default_hooks.logger.interval': 1,
        'default_hooks.checkpoint.interval': 1,
        'train_cfg.max_epochs': epochs,
        'train_cfg.val_interval': 1,
        'train_dataloader.batch_size': 8,
    }
    if 'num_classes' in dataset:
        values |= {f'{part}.num_classes': dataset['num_classes'] for part in ('model.head', 'data_preprocessor')}
    for loader in LOADERS:
        values |= {
            f'{loader}.num_workers': 0,
            f'{loader}.persistent_workers': False,
            f'{loader}.pin_memory': False,
            f'{loader}.dataset.data_root': str(data_root),
            f'{loader}.dataset.pipeline.1.scale': 72,
            f'{loader}.dataset.pipeline.2.crop_size': 64,
        }
        values |= {f'{loader}.dataset.{key}': value for key, value in dataset.items()}
    return values


def tiny_options(data_root: Path, epochs: int = 1, **more: object) -> list[str]:
    """The same for a Birdlets config, with `more`, as `KEY=VALUE` for `--cfg-options`."""
    return [f'{key}={value}' for key, value in (tiny_settings(data_root, epochs) | more).items()]
