"""Many runs: every config with every seed, in processes of their own, recorded and reported."""

from .choose import choose_configs
from .plan import check_specs, make_specs, print_plan
from .run_all import run_all

__all__ = ['check_specs', 'choose_configs', 'make_specs', 'print_plan', 'run_all']
