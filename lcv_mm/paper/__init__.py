"""The paper's tables as data: read by tests, docs and tools alike."""

from .tables import (
    EPOCHS,
    METRICS,
    TOP1,
    Comparison,
    PaperRow,
    comparisons_of,
    markdown_tables,
    metric_of,
    read_comparisons,
    read_rows,
)

__all__ = [
    'EPOCHS',
    'METRICS',
    'TOP1',
    'Comparison',
    'PaperRow',
    'comparisons_of',
    'markdown_tables',
    'metric_of',
    'read_comparisons',
    'read_rows',
]
