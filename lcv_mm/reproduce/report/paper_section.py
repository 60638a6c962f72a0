"""A table of the paper beside what was reached; the only place where the two meet."""

from collections.abc import Sequence

from ...paper import PaperRow
from ..data_kind import REAL
from ..statistics import Summary, paired_differences, summarise
from .groups import RunGroup, baseline_name, counterpart
from .log_plots import log_plots
from .numbers import MINUS, NONE, mean_and_spread, number, signed
from .parts import Column, Plot, Row, Section, Table
from .quoted import QUOTED
from .row_plots import ReachedRow, draw_paper_against_reached
from .svg import inline_svg

COLUMNS = (
    Column('method'),
    Column('backbone'),
    Column('paper', 'number'),
    Column('reached', 'number'),
    Column(f'reached {MINUS} paper', 'number'),
    Column(f'LCV {MINUS} baseline, paper', 'number'),
    Column(f'LCV {MINUS} baseline, reached', 'number'),
)
AMP = 'Trained in mixed precision (amp), which the paper does not mention.'


def enters(group: RunGroup, row: PaperRow) -> bool:
    """Whether finished runs may stand beside a row's number: its config as it stands, on the paper's whole dataset."""
    setting = group.setting
    return group.config == row.config and not row.quoted and setting.data == REAL and setting.options == '{}'


def paper_section(table: int, rows: Sequence[PaperRow], groups: Sequence[RunGroup]) -> Section:
    """The section of one table.

    Args:
        table (int): Its number, 1 to 4.
        rows (Sequence[PaperRow]): Its rows.
        groups (Sequence[RunGroup]): All finished runs; those that do not belong here are passed over.
    """
    own = [group for group in groups if any(enters(group, row) for row in rows)]
    lines: list[Row] = []
    points: list[ReachedRow] = []
    for row in rows:
        # one line a setting: with and without amp are not averaged
        found: list[RunGroup | None] = [group for group in own if enters(group, row)]
        for group in found or [None]:
            reached = summarise(list(group.top1.values())) if group else None
            lines.append(_row(row, rows, group, own, reached))
            amp = ', amp' if group and group.setting.amp else ''
            if not row.quoted:
                label = f'{row.method}, {row.backbone}{amp}'
                points.append(ReachedRow(label, row.top1, reached, baseline_name(row.config) is not None))
    caption = f'Table {table} of the paper: {rows[0].dataset}, crops of {rows[0].crop}, top-1 accuracy in %.'
    plots: list[Plot] = []
    if own:
        svg = inline_svg(draw_paper_against_reached(points), f'table-{table}', f'{caption} Paper against reached.')
        plots = [Plot((svg,), 'Paper against reached: mean over the seeds, bar of one standard deviation.')]
    return Section(
        key=f'table-{table}',
        title=f'Table {table}: {rows[0].dataset}, {rows[0].crop}',
        paragraphs=() if own else ('No run that may stand beside these numbers has finished.',),
        tables=(Table(caption, COLUMNS, tuple(lines)),),
        plots=(*plots, *log_plots(f'table-{table}', own)),
    )


def _row(
    row: PaperRow, rows: Sequence[PaperRow], group: RunGroup | None, groups: Sequence[RunGroup], reached: Summary | None
) -> Row:
    if row.quoted:
        cells = (row.method, row.backbone, number(row.top1), 'not comparable', NONE, NONE, NONE)
        return Row(cells, QUOTED.get(row.config, row.note), {'config': row.config})
    paper_gain = next(
        (signed(row.top1 - other.top1) for other in rows if other.config == baseline_name(row.config)), NONE
    )
    head = (row.method, row.backbone, number(row.top1))
    if group is None or reached is None:
        return Row((*head, 'not run', NONE, paper_gain, NONE), _sentence(row.note), {'config': row.config})
    amp = ', amp' if group.setting.amp else ''
    cells = (
        *head,
        mean_and_spread(reached) + amp,
        signed(reached.mean - row.top1),
        paper_gain,
        _gain(group, groups),
    )
    note = ' '.join(filter(None, (_sentence(row.note), AMP if amp else '')))
    return Row(cells, note, group.data)


def _gain(group: RunGroup, groups: Sequence[RunGroup]) -> str:
    """LCV minus its baseline over the seeds that both have."""
    name = baseline_name(group.config)
    if name is None:
        return NONE
    other = counterpart(group, name, groups)
    if other is None:
        return 'baseline not run'
    differences = paired_differences(group.top1, other.top1)
    if not differences:
        return 'no common seed'
    return mean_and_spread(summarise(differences), difference=True)


def _sentence(note: str) -> str:
    return f'{note[:1].upper()}{note[1:]}.' if note else ''
