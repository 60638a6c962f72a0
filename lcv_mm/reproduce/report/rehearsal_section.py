"""Runs on generated images: which parts of LCV help there, and nothing about the paper's numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from ...paper import Comparison
from ..data_kind import GENERATED
from ..statistics import Summary, accuracy_standard_error, paired_differences, summarise, t_interval
from .groups import RunGroup, counterpart, titles_in
from .log_plots import log_plots
from .numbers import mean_and_spread, number, signed
from .parts import Column, Plot, Row, Section, Table
from .row_plots import draw_comparisons
from .svg import inline_svg

BADGE = "drawn images, not the paper's"
RUN_COLUMNS = (
    Column('config', 'code'),
    Column('top-1 (%)', 'number'),
    Column('by seed', 'number'),
    Column('standard error of one accuracy', 'number'),
    Column('training (min, median)', 'number'),
    Column('images, train / test', 'number'),
    Column('options', 'code'),
)
COMPARISON_COLUMNS = (
    Column('question'),
    Column('difference of top-1 (points)', 'number'),
    Column('by seed', 'number'),
    Column('95 % interval', 'number'),
    Column('config', 'code'),
    Column('minus', 'code'),
    Column('options', 'code'),
)


@dataclass(frozen=True)
class _Compared:
    """A comparison, the runs of its first config, and the differences to the other in the order of the seeds."""

    comparison: Comparison
    group: RunGroup
    differences: Sequence[float]

    @property
    def summary(self) -> Summary:
        return summarise(self.differences)


def rehearsal_section(comparisons: Sequence[Comparison], groups: Sequence[RunGroup]) -> Section:
    """The section of the runs on generated images.

    Args:
        comparisons (Sequence[Comparison]): What is compared; those without a common seed are left out.
        groups (Sequence[RunGroup]): All finished runs; those on other data are passed over.
    """
    own = [group for group in groups if group.setting.data == GENERATED]
    compared = [
        _Compared(comparison, group, differences)
        for comparison in comparisons
        for group in own
        if group.config == comparison.config
        for other in [counterpart(group, comparison.against, own)]
        if other is not None
        for differences in [paired_differences(group.top1, other.top1)]
        if differences
    ]
    plots: list[Plot] = []
    titled = titles_in(own)
    if compared:
        caption = 'The comparisons: mean of the paired differences, with its 95 % interval; filled where that leaves 0.'
        lines = [(titled(one.comparison.question, one.group), one.summary, t_interval(one.summary)) for one in compared]
        plots = [Plot((inline_svg(draw_comparisons(lines), 'comparisons', caption),), caption)]
    runs = Table(
        'Runs on generated images: mean ± standard deviation over the seeds.', RUN_COLUMNS, _run_rows(own), _RUN
    )
    comparison_table = Table(
        'Comparisons on generated images: paired differences over the seeds that both configs have.',
        COMPARISON_COLUMNS,
        tuple(map(_comparison_row, compared)),
        _COMPARISON,
    )
    return Section(
        key='rehearsal',
        title='Rehearsal on generated data',
        paragraphs=(
            'These runs saw images that the project draws itself. They tell that the whole way from data to report '
            'works, and what the parts of LCV do on such images; nothing here is a number for a row of the paper.',
        )
        if own
        else ('No run on generated data has finished.',),
        tables=tuple(table.without_empty_columns() for table in (runs, comparison_table)),
        plots=(*plots, *log_plots('rehearsal', own)),
        badge=BADGE,
    )


_RUN = (
    'Standard error: binomial, of one accuracy at the mean, from the number of test images. All seeds share the same '
    'test images, so the spread over the seeds does not hold it.',
)
_COMPARISON = (
    "Interval: Student's t over the seeds. Of twenty intervals about one leaves 0 out by chance alone; a single seed "
    'gives none.',
)


def _run_rows(groups: Sequence[RunGroup]) -> tuple[Row, ...]:
    rows = []
    for group in groups:
        sample, images = summarise(list(group.top1.values())), group.records[0].images
        cells = (
            group.config,
            mean_and_spread(sample),
            ', '.join(map(number, group.top1.values())),
            f'± {number(accuracy_standard_error(sample.mean, images["test"]))}',
            number(median(record.seconds for record in group.records) / 60, 1),
            f'{images["train"]} / {images["test"]}',
            group.setting.label,
        )
        rows.append(Row(cells, data=group.data))
    return tuple(rows)


def _comparison_row(one: _Compared) -> Row:
    ends = t_interval(one.summary)
    label = one.group.setting.label
    cells = (
        one.comparison.question,
        mean_and_spread(one.summary, difference=True),
        ', '.join(map(signed, one.differences)),
        'none' if ends is None else f'{signed(ends[0])} to {signed(ends[1])}',
        one.comparison.config,
        one.comparison.against,
        label,
    )
    return Row(cells, data={'config': one.comparison.config, 'against': one.comparison.against, 'setting': label})
