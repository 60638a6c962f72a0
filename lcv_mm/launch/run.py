"""Build a Runner from a config, on a GPU or in several processes on CPUs."""

import gc
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch.distributed as dist
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import Runner

from ..engine import CheckpointFitHook, load_checkpoints_safely, resume_from_last_good, trust_checkpoints
from ..engine.weights import unwrap_model
from ..errors import ConfigError, DataError, first_difference

# MMEngine's default hooks, which the Runner removes if they are None; other names must have a hook
MMENGINE_HOOKS = ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint')
# The variables in which each launcher passes rank, number of processes and local rank; torch reads those of 'pytorch'
LAUNCHERS = {
    'pytorch': ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
}


def build_runner(cfg: Config, loaders: Sequence[str], trust_checkpoint: bool = False) -> Runner:
    """Build a Runner and the loops that it will run, and check that model and datasets have the same classes.

    The Runner refuses a checkpoint of another model. Default hooks that are None are removed.

    Args:
        cfg (Config): Config of a run.
        loaders (Sequence[str]): The loaders that the run will use: 'train_dataloader' and 'val_dataloader', or
            'test_dataloader' alone. Their datasets are built here, before any weights are loaded.
        trust_checkpoint (bool): Whether checkpoints may contain more than data, and so run code. Defaults to False.

    Returns:
        Runner: Not yet trained or tested.

    Raises:
        ConfigError: If the model has another number of classes than a dataset, there is nothing to train, or the config
            asks for another kind of runner.
        DataError: If two datasets have different classes, or the training images do not fill a batch.
    """
    for name, hook in [*(cfg.get('default_hooks') or {}).items()]:
        if hook is None and name not in MMENGINE_HOOKS:
            del cfg.default_hooks[name]
    if cfg.get('strategy') is not None or cfg.get('runner_type', 'Runner') != 'Runner':
        raise ConfigError("runner_type, strategy: expected MMEngine's Runner; others run with MMPretrain's own tools")
    for loader in [cfg[name] for name in loaders if cfg.get(name) is not None]:
        if not loader.get('num_workers'):
            loader['persistent_workers'] = False  # torch refuses them without workers
    if cfg.get('randomness', {}).get('deterministic'):
        # needed by torch for deterministic products on a GPU
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    runner = Runner.from_cfg(cfg)
    # MMEngine warns at each save that its own FileClient is deprecated
    runner.logger.addFilter(lambda record: 'will be deprecated in future' not in record.getMessage())
    _check_datasets(runner, loaders)
    if 'train_dataloader' in loaders and runner.train_loop.max_iters < 1:
        if not len(runner.train_dataloader):
            raise DataError('train_dataloader: no batch; it has fewer images than batch_size, and drop_last is True')
        raise ConfigError('train_cfg: expected at least one epoch (max_epochs) or iteration (max_iters) to train')
    runner.register_hook(CheckpointFitHook('train_dataloader' not in loaders))
    if trust_checkpoint:
        trust_checkpoints()
    else:
        load_checkpoints_safely()
    resume_from_last_good(runner)
    return runner


def check_out_file(out: str | Path | None, *suffixes: str) -> None:
    """Raise ConfigError if an output file is given whose name ends in none of these suffixes."""
    if out is not None and Path(out).suffix not in suffixes:
        raise ConfigError(f'{out}: expected a name that ends in {" or ".join(suffixes)}')


@contextmanager
def cpu_launch(cfg: Config) -> Iterator[None]:
    """Connect the processes of a launcher on CPUs; no effect with a GPU or without a launcher.

    MMEngine's Runner starts a process group only for GPUs, but uses an existing one. The config's `model_wrapper_cfg`
    is set.
    """
    if cfg.get('launcher', 'none') == 'none' or get_device() != 'cpu':
        yield
        return
    _set_environment(cfg.launcher)
    seconds = cfg.get('env_cfg', {}).get('dist_cfg', {}).get('timeout')
    dist.init_process_group('gloo', timeout=seconds and timedelta(seconds=seconds))
    cfg.model_wrapper_cfg = {
        'type': 'MMDistributedDataParallel',
        'broadcast_buffers': False,  # as the Runner's own default on GPUs
        'find_unused_parameters': cfg.get('find_unused_parameters', False),
        **(cfg.get('model_wrapper_cfg') or {}),
        'device_ids': None,
    }
    try:
        yield
    finally:
        # without this, gloo's threads abort the process at its end; the Runner, a cycle, keeps the group alive
        gc.collect()
        dist.destroy_process_group()


def _set_environment(launcher: str) -> None:
    for name, source in zip(LAUNCHERS['pytorch'], LAUNCHERS[launcher], strict=True):
        os.environ[name] = os.environ[source]
    os.environ.setdefault('MASTER_PORT', '29500')
    if launcher == 'slurm' and 'MASTER_ADDR' not in os.environ:
        command = ['scontrol', 'show', 'hostnames', os.environ['SLURM_NODELIST']]
        hosts = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        os.environ['MASTER_ADDR'] = hosts[0]


def _check_datasets(runner: Runner, loaders: Sequence[str]) -> None:
    """Check that the datasets have the same classes, and the model as many; warn about images in two datasets."""
    datasets = {}
    for name in loaders:
        if loop := getattr(runner, name.replace('dataloader', 'loop')):
            datasets[name] = loop.dataloader.dataset
    if len(datasets) == 2 and (shared := sorted(set.intersection(*map(_image_files, datasets.values())))):
        text = f'{" and ".join(datasets)} share {len(shared)} images, such as {shared[0]}: the score includes them'
        runner.logger.warning(text)
    classes = {
        name: names for name, data in datasets.items() if (names := getattr(data, 'metainfo', {}).get('classes'))
    }
    if not classes:
        return
    first, expected = next(iter(classes.items()))
    for name, names in classes.items():
        if list(names) != list(expected):
            raise DataError(
                f'{first}.dataset and {name}.dataset have different classes: {first_difference(expected, names)}. '
                'Expected the same in the same order'
            )
    model = unwrap_model(runner)
    for key, part in (('model.head', 'head'), ('data_preprocessor', 'data_preprocessor')):
        count = getattr(getattr(model, part, None), 'num_classes', None)
        if isinstance(count, int) and 0 < count != len(expected):
            raise ConfigError(
                f'{key}.num_classes={count}, but {first}.dataset has {len(expected)} classes; set '
                f'{key}.num_classes={len(expected)}, or use the dataset that the model is for'
            )


def _image_files(dataset: Any) -> set[str]:
    """Paths of a dataset's images; none for category discovery, which trains on the test images without labels."""
    infos = [dataset.get_data_info(i) for i in range(len(dataset))] if hasattr(dataset, 'get_data_info') else []
    files = [info['img_path'] for info in infos if 'img_path' in info]
    real = {folder: os.path.realpath(folder) for folder in {*map(os.path.dirname, files)}}  # slow for each file
    return {
        os.path.realpath(file)
        if os.path.islink(file)
        else os.path.join(real[os.path.dirname(file)], os.path.basename(file))
        for file in files
    }
