"""Many runs: every config with every seed, in processes of their own, recorded and reported."""

from .plan import check_specs, choose_configs, hold_to_settings, make_specs, print_plan, run_config
from .report import write_report
from .run_all import run_all

__all__ = [
    'check_specs',
    'choose_configs',
    'hold_to_settings',
    'make_specs',
    'print_plan',
    'run_all',
    'run_config',
    'write_report',
]
