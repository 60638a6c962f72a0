"""The rows of the paper's four tables, and the pairs of configs to compare."""

import csv
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

EPOCHS = 60  # of every row that is not quoted
TOP1 = 'accuracy/top1'  # as MMPretrain's Accuracy names it
# What the rows' numbers are: names of metrics, as an evaluator gives them -> words
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
    metric: str  # what this number is, one of METRICS; it compares with numbers of the same metric alone
    note: str  # what has to be said about it; often empty

    @property
    def quoted(self) -> bool:
        """Whether the paper quotes the number from another paper, for a system that is not its own."""
        return self.note.startswith('quoted')


@dataclass(frozen=True)
class Comparison:
    """Two configs that are run with the same seeds."""

    question: str  # what their difference answers
    config: str  # name of the one, without `.py`
    against: str  # name of the other; the difference is `config` minus `against`


@functools.cache  # a report asks for every run
def read_rows() -> tuple[PaperRow, ...]:
    """All 32 rows, in the order of the tables."""
    return tuple(
        PaperRow(**row | dict(table=int(row['table']), crop=int(row['crop']), paper=float(row['paper'])))
        for row in _read('tables.csv')
    )


def metric_of(config: str) -> str:
    """The metric of a config, one of METRICS: that of the rows whose names start with the same word, or top-1."""
    method = config.partition('_')[0]
    return next((row.metric for row in read_rows() if row.config.partition('_')[0] == method), TOP1)


def comparisons_of(configs: Iterable[str]) -> list[Comparison]:
    """Those of the ablations, `comparisons.csv`, then three for each of the configs that has LCV, `lcv_<name>`.

    These are LCV minus the baseline `<name>`, the one without the loss, `<name>_attention_balanced`, minus the
    baseline, and LCV minus that.
    """
    comparisons = [Comparison(**row) for row in _read('comparisons.csv')]
    for lcv in dict.fromkeys(configs):
        if lcv.startswith('lcv_'):
            base = lcv.removeprefix('lcv_')
            arm = f'{base}_attention_balanced'
            comparisons += [
                Comparison(f'{base}: what LCV adds', lcv, base),
                Comparison(f'{base}: attention and balanced batches without the loss', arm, base),
                Comparison(f'{base}: the loss, beside attention and balanced batches', lcv, arm),
            ]
    return comparisons


def _read(name: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(files(__package__).joinpath(name).read_text(encoding='utf-8').splitlines()))
