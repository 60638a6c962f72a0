"""Run every config with every seed in separate processes, record the results and compare them."""

# ruff: noqa: F401 (the names that the package offers)
from .engines import run_and_report
from .plan import choose_rows, find_configs, make_specs
from .report import write_report
