"""The paper's tables as data: read by tests, docs and tools alike."""

from .comparisons import Comparison, read_comparisons
from .rows import PaperRow, read_rows
from .tables import markdown_tables

__all__ = ['Comparison', 'PaperRow', 'markdown_tables', 'read_comparisons', 'read_rows']
