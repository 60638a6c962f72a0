"""What the commands do around the Runner: read the config, check it, build the run, say briefly what is wrong."""

# ruff: noqa: F401 (the names that the room offers)
from .config import flat_settings, load_config, override_config, setting, type_name
from .messages import config_errors, short_errors
from .run import build_runner, check_out_file, check_work_dir, cpu_launch, read_config
