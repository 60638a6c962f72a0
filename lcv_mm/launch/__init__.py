"""Read configs, build Runners and load trained models, for the commands in tools/."""

# ruff: noqa: F401 (the names that the package offers)
from .config import load_config, override_config, short_errors, type_name
from .own_data import use_folder
from .run import build_runner, check_out_file, cpu_launch
