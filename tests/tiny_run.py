"""Settings that shrink a config to a run of seconds, and what such runs need."""

import multiprocessing
import os
import runpy
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
BIRDLETS = {'num_classes': 6, 'train_per_class': 4, 'test_per_class': 2, 'image_size': 64}
# its processes are forks of one that has imported the toolbox, which takes seconds, and has done nothing else
FORKS = multiprocessing.get_context('forkserver')
FORKS.set_forkserver_preload(['lcv_mm', 'lcv_mm.launch', 'lcv_mm.visualization'])


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


def start_tool(output: Path, tool: str, *args: object, **env: object) -> BaseProcess:
    """A command of tools/ in a process, a process group and a session of its own; what it prints goes into a file."""
    output.parent.mkdir(parents=True, exist_ok=True)
    process = FORKS.Process(target=_run_tool, args=(output, tool, args, env))
    process.start()
    return process


def run_ranks(function: Callable[..., None], *args: object, count: int = 2) -> None:
    """Call `function(rank, *args)` in a process for each rank."""
    processes = [FORKS.Process(target=function, args=(rank, *args)) for rank in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(600)
    assert [process.exitcode for process in processes] == [0] * count


def _run_tool(output: Path, tool: str, args: tuple[object, ...], env: Mapping[str, object]) -> None:
    os.setsid()
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.chdir(ROOT)
    os.environ.update({'OMP_NUM_THREADS': '1', **{name: str(value) for name, value in env.items()}})
    sys.argv = [f'tools/{tool}.py', *map(str, args)]
    runpy.run_path(sys.argv[0], run_name='__main__')


def wait_until(true: Callable[[], bool], seconds: float = 600.0) -> None:
    """Return once it holds; an error if it does not within the time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


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
