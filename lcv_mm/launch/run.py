"""From the arguments of a command to a Runner, on a GPU or in several processes on CPUs."""

import argparse
import gc
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import torch.distributed as dist
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import Runner

from ..engine import CheckpointFitHook, load_checkpoints_safely, trust_checkpoints
from ..errors import ConfigError
from .checks import check_config, check_run
from .config import load_config, override_config

# MMEngine's own default hooks, which the Runner takes out where they are None; of another name it wants a hook
OWN_HOOKS = ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint')
# Where each launcher leaves what torch.distributed reads from RANK, WORLD_SIZE and LOCAL_RANK.
LAUNCHERS = {
    'pytorch': ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
}


def read_config(
    args: argparse.Namespace, needs: Sequence[str], merge: Callable[[Config, argparse.Namespace], None]
) -> Config:
    """Read the config of a command, with its arguments written into it, and say which checkpoints may be loaded.

    Args:
        args (argparse.Namespace): With `config`, `work_dir`, `launcher`, `trust_checkpoint` and `cfg_options`.
        needs (Sequence[str]): Keys that the command needs.
        merge (Callable): Writes the command's other arguments into the config, before `--cfg-options`.
    """
    cfg = load_config(args.config, needs)
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(args.config).stem)
    merge(cfg, args)
    override_config(cfg, args.cfg_options)
    if args.trust_checkpoint:
        trust_checkpoints()
    else:
        load_checkpoints_safely()
    return cfg


def build_runner(cfg: Config, loaders: Sequence[str], config_schedule: bool = False) -> Runner:
    """Check a config, build the Runner and what it will loop over, and check these.

    The datasets are those that the run uses: each is built once, and before any weights are loaded.

    Args:
        cfg (Config): Config of a run; a default hook that is None, which switches it off, is taken out.
        loaders (Sequence[str]): Names of the loaders the run will use: 'train_dataloader' and 'val_dataloader', or
            'test_dataloader' alone.
        config_schedule (bool): To resume with the config's learning rate and schedule, not with the checkpoint's.

    Returns:
        Runner: Ready to train or test; it refuses a checkpoint of another model.
    """
    for name, hook in [*(cfg.get('default_hooks') or {}).items()]:
        if hook is None and name not in OWN_HOOKS:
            del cfg.default_hooks[name]
    if cfg.get('strategy') is not None or cfg.get('runner_type', 'Runner') != 'Runner':
        raise ConfigError("runner_type, strategy: expected MMEngine's Runner; others run with MMPretrain's own tools")
    for loader in [cfg[name] for name in loaders if cfg.get(name) is not None]:
        if not loader.get('num_workers'):
            loader['persistent_workers'] = False  # torch refuses them without workers
    check_config(cfg)
    check_work_dir(cfg.work_dir)
    runner = Runner.from_cfg(cfg)
    check_run(runner, cfg, loaders)
    if 'train_dataloader' in loaders and runner.train_loop.max_iters < 1:
        raise ConfigError('train_cfg: expected at least one epoch (max_epochs) or iteration (max_iters) to train')
    runner.register_hook(CheckpointFitHook('train_dataloader' not in loaders, config_schedule))
    return runner


def check_work_dir(work_dir: str | Path) -> None:
    """Raise ConfigError unless files can be made in the folder, or in the nearest parent that exists."""
    folder = Path(work_dir).absolute()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise ConfigError(
            f'work_dir={work_dir}: cannot be written (see {there}); expected a folder for logs and checkpoints: give '
            'another with --work-dir, or make this one writable'
        )


def check_out_file(out: str | Path | None, suffixes: Sequence[str], option: str = '--out') -> None:
    """Raise ConfigError unless a result can be written to a file, if the option names one, that ends in a suffix."""
    if out is None:
        return
    file = Path(out)
    if file.suffix not in suffixes:
        raise ConfigError(f'{option} {out}: expected a file that ends in {" or ".join(suffixes)}; name it so')
    if not file.parent.is_dir():
        raise ConfigError(f'{option} {out}: the folder {file.parent} does not exist; make it, or give another')


@contextmanager
def cpu_launch(cfg: Config) -> Iterator[None]:
    """Let a launcher's processes work together on CPUs; with a GPU, or without a launcher, nothing changes.

    MMEngine's Runner starts a process group for GPUs only, and takes one that is there as it is. The config's
    `model_wrapper_cfg` is set. ConfigError if its `launcher` did not start this process.
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
        # gloo's threads abort a process that ends without this, and the Runner, a cycle, holds on to the group
        gc.collect()
        dist.destroy_process_group()


def _set_environment(launcher: str) -> None:
    names = LAUNCHERS[launcher]
    if not all(name in os.environ for name in names):
        raise ConfigError(
            f'--launcher {launcher} needs the variables {", ".join(names)}, which this launcher sets, but they are not '
            'there; start with tools/dist_train.sh or tools/slurm_train.sh (tools/dist_test.sh, tools/slurm_test.sh), '
            'or leave --launcher out for one process'
        )
    for name, source in zip(LAUNCHERS['pytorch'], names, strict=True):
        os.environ[name] = os.environ[source]
    os.environ.setdefault('MASTER_PORT', '29500')
    if launcher == 'slurm' and 'MASTER_ADDR' not in os.environ:
        command = ['scontrol', 'show', 'hostnames', os.environ['SLURM_NODELIST']]
        hosts = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        os.environ['MASTER_ADDR'] = hosts[0]
