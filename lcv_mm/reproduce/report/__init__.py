"""The report on a folder of runs: one HTML page with plots, and the same tables in Markdown."""

from .sections import write_report

__all__ = ['write_report']
