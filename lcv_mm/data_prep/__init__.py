"""Makes the folders of the datasets: downloads or takes archives, unpacks them, verifies the result."""

from .archive import Archive
from .dataset_facts import DATASETS, DatasetFacts, Split
from .dataset_report import DatasetReport, check_dataset
from .download import download
from .prepare import prepare
from .unpack import unpack

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
