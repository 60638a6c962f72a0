"""The paper's tables as data: read by tests, docs and tools alike."""

from .rows import PaperRow, read_rows
from .tables import markdown_tables

__all__ = ['PaperRow', 'markdown_tables', 'read_rows']
