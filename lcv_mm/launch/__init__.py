"""What the commands do around the Runner: read the config, check it, build the run, say briefly what is wrong."""

from .config import flat_settings, load_config, override_config, setting, type_name
from .messages import config_errors, short_errors
from .run import build_runner, check_out_file, check_work_dir, cpu_launch, read_config

__all__ = [
    'build_runner',
    'check_out_file',
    'check_work_dir',
    'config_errors',
    'cpu_launch',
    'flat_settings',
    'load_config',
    'override_config',
    'read_config',
    'setting',
    'short_errors',
    'type_name',
]
