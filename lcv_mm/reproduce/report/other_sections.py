"""Finished runs that stand beside nothing, and runs that failed."""

from collections.abc import Sequence

from ..statistics import summarise
from .groups import Run, RunGroup
from .numbers import mean_and_spread
from .parts import Column, Row, Section, Table

OTHER_COLUMNS = (
    Column('config', 'code'),
    Column('options', 'code'),
    Column('data'),
    Column('images, train / test', 'number'),
    Column('top-1 (%)', 'number'),
)
FAILED_COLUMNS = (Column('config', 'code'), Column('seed', 'number'), Column('error', 'block'))
DATA = {'real': 'whole dataset', 'other': 'not a whole dataset of the paper'}


def other_section(groups: Sequence[RunGroup]) -> Section:
    """Runs with options, on other images or of configs of one's own; they are no row of the paper."""
    rows = []
    for group in groups:
        images = group.records[0].images
        cells = (
            group.config,
            group.setting.label,
            f'{DATA[group.setting.data]} ({group.setting.dataset})',
            f'{images["train"]} / {images["test"]}',
            mean_and_spread(summarise(list(group.top1.values()))),
        )
        rows.append(Row(cells, data=group.data))
    return Section(
        key='other',
        title='Other runs',
        paragraphs=(
            'Changed by options, on images that are not a whole dataset of the paper, or of configs that are no row of '
            'it: not to be held against its numbers.',
        ),
        tables=(
            Table(
                'Other runs: mean ± standard deviation over the seeds.', OTHER_COLUMNS, tuple(rows)
            ).without_empty_columns(),
        ),
    )


def failed_section(runs: Sequence[Run]) -> Section:
    """Runs without a result."""
    rows = [
        Row(
            (run.record.config, str(run.record.seed), run.record.error or 'It left no accuracy/top1.'),
            data={'config': run.record.config, 'seed': str(run.record.seed)},
        )
        for run in runs
    ]
    return Section(
        key='failed',
        title='Failed runs',
        paragraphs=('These enter no number of this report. Started again, they are taken up where they stopped.',),
        tables=(Table('Failed runs and what they said last.', FAILED_COLUMNS, tuple(rows)),),
    )
