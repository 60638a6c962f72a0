"""The rows of the paper's four tables, and the pairs of configs to compare."""

import csv
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

EPOCHS = 60  # of every row that is not quoted
TOP1 = 'accuracy/top1'  # as MMPretrain's Accuracy names it
# Metrics of the rows: name in the evaluator -> description
METRICS = {
    TOP1: 'top-1 accuracy',
    'retrieval/mAP': 'retrieval mAP',
    'cluster_accuracy/Old': 'clustering accuracy of known classes',
}


@dataclass(frozen=True)
class PaperRow:
    """One row of a table of the paper."""

    table: int  # number of the table, 1 to 4
    config: str  # name of the row's config, without `.py`
    method: str  # 'BCNN', 'LCV on BCNN', ..., as in the table
    backbone: str  # 'VGG-16', 'ResNet-18' or 'ViT-B/16'
    dataset: str  # 'CUB-200-2011', 'Stanford Dogs' or 'Oxford-Flower-17'
    crop: int  # side of the crops, in pixels
    paper: float  # the number in the table, in per cent
    metric: str  # one of METRICS; only numbers of the same metric can be compared
    note: str  # a remark, often empty

    @property
    def quoted(self) -> bool:
        """Whether the paper quotes the number, of another system, from another paper."""
        return self.note.startswith('quoted')


@dataclass(frozen=True)
class Comparison:
    """Two configs that are run with the same seeds."""

    question: str  # answered by the difference
    config: str  # name of the first, without `.py`
    against: str  # name of the second; the difference is `config` minus `against`


@functools.cache  # a report calls it once per run
def read_rows() -> tuple[PaperRow, ...]:
    """All 32 rows, in the order of the tables."""
    return tuple(
        PaperRow(**row | dict(table=int(row['table']), crop=int(row['crop']), paper=float(row['paper'])))
        for row in _read('tables.csv')
    )


def comparisons_of(configs: Iterable[str]) -> list[Comparison]:
    """The comparisons of `comparisons.csv`, then three for each config `lcv_<name>`.

    The three are LCV minus the baseline `<name>`, "w/o loss" (`<name>_attention_balanced`) minus the baseline, and LCV
    minus "w/o loss".
    """
    comparisons = [Comparison(**row) for row in _read('comparisons.csv')]
    for lcv in dict.fromkeys(configs):
        if lcv.startswith('lcv_'):
            base = lcv.removeprefix('lcv_')
            arm = f'{base}_attention_balanced'
            comparisons += [
                Comparison(f'{base}: what LCV adds', lcv, base),
                Comparison(f'{base}: attention and balanced batches without the loss', arm, base),
                Comparison(f'{base}: the loss, added to attention and balanced batches', lcv, arm),
            ]
    return comparisons


def _read(name: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(files(__package__).joinpath(name).read_text(encoding='utf-8').splitlines()))
