"""Makes the folders of the datasets: downloads or takes archives, unpacks them, verifies the result."""

from .facts import DATASETS, Archive, DatasetFacts, Split
from .fetch import download, unpack
from .prepare import prepare
from .report import DatasetReport, check_dataset

__all__ = [
    'DATASETS',
    'Archive',
    'DatasetFacts',
    'DatasetReport',
    'Split',
    'check_dataset',
    'download',
    'prepare',
    'unpack',
]
