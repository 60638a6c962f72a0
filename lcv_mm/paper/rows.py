"""The rows of the paper's four tables."""

import csv
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class PaperRow:
    """One row of a table of the paper.

    Args:
        table (int): number of the table, 1 to 4.
        config (str): name of the row's config, without `.py`.
        method (str): 'BCNN', 'LCV on BCNN', ..., as the table has it.
        backbone (str): 'VGG-16', 'ResNet-18' or 'ViT-B/16'.
        dataset (str): 'CUB-200-2011', 'Stanford Dogs' or 'Oxford-Flower-17'.
        crop (int): side of the crops, in pixels.
        top1 (float): the number of the table, in per cent.
        note (str): what has to be said of it; often empty.
    """

    table: int
    config: str
    method: str
    backbone: str
    dataset: str
    crop: int
    top1: float
    note: str

    @property
    def quoted(self) -> bool:
        """Whether the paper quotes the number from another paper, for a system that is not its own."""
        return self.note.startswith('quoted')


def read_rows() -> list[PaperRow]:
    """All 32 rows, in the order of the tables."""
    text = files(__package__).joinpath('tables.csv').read_text(encoding='utf-8')
    return [
        PaperRow(
            int(row['table']),
            row['config'],
            row['method'],
            row['backbone'],
            row['dataset'],
            int(row['crop']),
            float(row['paper_top1']),
            row['note'],
        )
        for row in csv.DictReader(text.splitlines())
    ]
