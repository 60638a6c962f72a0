"""Several processes on a machine without a GPU."""

import gc
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch.distributed as dist
from mmengine.config import Config
from mmengine.device import get_device

from ..errors import ConfigError

# Where each launcher leaves what torch.distributed reads from RANK, WORLD_SIZE and LOCAL_RANK.
LAUNCHERS = {
    'pytorch': ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
}


@contextmanager
def cpu_launch(cfg: Config) -> Iterator[None]:
    """Let a launcher's processes work together on CPUs; with a GPU, or without a launcher, nothing changes.

    MMEngine's Runner starts a process group for GPUs only, and takes one that is there as it is.

    Args:
        cfg (Config): Of the run, with its `launcher`; `model_wrapper_cfg` is set.

    Raises:
        ConfigError: If the launcher named did not start this process.
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
