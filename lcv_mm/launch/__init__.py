"""What the commands do around the Runner: read the config, check it, build the run, say in short what is wrong."""

from .build_errors import config_errors
from .build_runner import build_runner, check_out_file, check_work_dir
from .config_file import load_config, override_config
from .cpu_launch import cpu_launch
from .short_errors import short_errors

__all__ = [
    'build_runner',
    'check_out_file',
    'check_work_dir',
    'config_errors',
    'cpu_launch',
    'load_config',
    'override_config',
    'short_errors',
]
