"""The paper's tables as data: read by tests, docs and tools alike."""

from .tables import EPOCHS, Comparison, PaperRow, comparisons_of, markdown_tables, read_comparisons, read_rows

__all__ = ['EPOCHS', 'Comparison', 'PaperRow', 'comparisons_of', 'markdown_tables', 'read_comparisons', 'read_rows']
