"""Many runs: every config with every seed, in processes of their own, recorded and reported."""

# ruff: noqa: F401 (the names that the room offers)
from .plan import check_specs, choose_configs, hold_to_settings, make_specs, print_plan, run_config
from .report import write_report
from .run_all import run_all
