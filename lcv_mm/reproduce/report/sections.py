"""The sections of the report, from the records of a work dir: which runs stand where, and beside what."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

from ...engine import write_atomically
from ...paper import PaperRow, comparisons_of, read_rows
from ...paper.tables import EPOCHS
from ..record import GENERATED, REAL, Record, read_records
from .plots import BASELINE, LCV, Point, draw_rows, picture, titled, training_plots
from .render import MINUS, NONE, Plot, Report, Row, Section, Table, number, signed, to_html, to_markdown
from .run_groups import Run, RunGroup, baseline_name, group_runs

RULES = (
    "Beside a number of the paper stand only finished runs of that row's config as it is, without options, on the "
    f"whole dataset, with the row's crop, ImageNet weights and {EPOCHS} epochs. Reached is "
    'the mean ± sample standard deviation over the seeds; one seed has no spread. '
    f'LCV {MINUS} baseline is the mean of the differences between runs of the same seed.'
)
PAPER_COLUMNS = {
    'method': 'text',
    'backbone': 'text',
    'paper': 'number',
    'reached': 'number',
    f'reached {MINUS} paper': 'number',
    f'LCV {MINUS} baseline, paper': 'number',
    f'LCV {MINUS} baseline, reached': 'number',
}
AMP = 'Trained in mixed precision (amp), which the paper does not mention.'
MADE_ON = 'data, weights, crop, length'
RUN_COLUMNS = {
    'config': 'code',
    'top-1 (%)': 'number',
    'by seed': 'number',
    'standard error of one accuracy': 'number',
    MADE_ON: 'long',
    'images, train / test': 'number',
    'training (min, median)': 'number',
    'options': 'code',
}
RUN_REMARK = (
    'Standard error: binomial, of one accuracy at the mean, from the number of test images. Seeds that share the test '
    'images share it, so the spread over the seeds does not hold it.'
)
COMPARISON_COLUMNS = {
    'question': 'text',
    'difference of top-1 (points)': 'number',
    'by seed': 'number',
    '95 % interval': 'number',
    'config': 'code',
    'minus': 'code',
    MADE_ON: 'long',
    'options': 'code',
}
COMPARISON_REMARK = (
    "Interval: Student's t over the seeds. Of twenty intervals about one leaves 0 out by chance alone; a single seed "
    'gives none.'
)
COST_COLUMNS = {
    'config': 'code',
    'options': 'code',
    'data': 'text',
    'runs': 'number',
    'training (s, median)': 'number',
    'test (s, median)': 'number',
    'sessions': 'number',
    'peak memory, CPU (GiB)': 'number',
    'peak memory, GPU (GiB)': 'number',
}


def write_report(work_dir: Path) -> tuple[Path, Path]:
    """Write `report.html` and `report.md` into a work dir.

    Args:
        work_dir (Path): Folder of all runs, `<config>/seed_<n>/record.json`; it may be empty.

    Returns:
        tuple[Path, Path]: The page and the Markdown.

    Raises:
        DataError: If a record can't be read, or two folders hold the same run.
    """
    report = make_report([Run(folder, record) for folder, record in read_records(work_dir)])
    written = work_dir / 'report.html', work_dir / 'report.md'
    for path, text in zip(written, (to_html(report), to_markdown(report)), strict=True):
        write_atomically(path, text)
    return written


def make_report(runs: Sequence[Run]) -> Report:
    """Sort the runs into the sections, each into exactly one."""
    rows = read_rows()
    groups = group_runs(run for run in runs if run.finished)
    failed = [run for run in runs if not run.finished]
    drawn = [group for group in groups if group.setting.data == GENERATED]
    beside = [group for group in groups if any(enters(group, row) for row in rows)]
    others = [group for group in groups if group not in drawn and group not in beside]
    sections = [
        paper_section(table, [row for row in rows if row.table == table], groups)
        for table in sorted({row.table for row in rows})
    ]
    if others:
        sections.append(
            runs_section(
                'real',
                'Other runs on real images',
                'not a row of the paper',
                'Parts of datasets, other crops, lengths or weights, settings changed by options, configs of your own: '
                "not to be held against the paper's numbers.",
                others,
            )
        )
    if drawn:
        sections.append(
            runs_section(
                'rehearsal',
                'Rehearsal on generated data',
                "drawn images, not the paper's",
                'These runs saw images that the project draws itself. They show that everything from data to report '
                'works, and what the parts of LCV do on such images; nothing here is a number for a row of the paper.',
                drawn,
            )
        )
    if failed:
        sections.append(failed_section(failed))
    if groups:
        sections.append(origin_section(groups))
    finished, *counts = (sum(len(group.runs) for group in part) for part in (groups, beside, others, drawn))
    summary = 'Nothing has been run yet.'
    if runs:
        summary = (
            f"Finished runs: {finished}, of which {counts[0]} stand beside the paper's numbers, {counts[1]} are other "
            f'runs on real images and {counts[2]} saw generated images. Failed runs: {len(failed)}.'
        )
    return Report("LCV: the paper's tables, run again", (summary, RULES), tuple(sections))


def enters(group: RunGroup, row: PaperRow) -> bool:
    """Whether runs may stand beside a row's number: its config, weights, crop and length, on the whole dataset."""
    setting = group.setting
    facts = ((setting.weights, row.weights), (setting.crop, row.crop), (setting.epochs, EPOCHS))
    return (
        (group.config, setting.data, setting.options) == (row.config, REAL, '{}')
        and not row.quoted
        and all(known in ('', str(expected)) for known, expected in facts)
    )


def paper_section(table: int, rows: Sequence[PaperRow], groups: Sequence[RunGroup]) -> Section:
    """A table of the paper beside what was reached; the only place where the two meet.

    Args:
        table (int): Its number, 1 to 4.
        rows (Sequence[PaperRow]): Its rows.
        groups (Sequence[RunGroup]): All finished runs; those that do not belong here are passed over.
    """
    own = [group for group in groups if any(enters(group, row) for row in rows)]
    lines: list[Row] = []
    points: list[Point] = []
    for row in rows:
        # one line for each setting: with and without amp are not averaged
        found: list[RunGroup | None] = [group for group in own if enters(group, row)]
        for group in found or [None]:
            lines.append(_paper_row(row, rows, group, own))
            if not row.quoted:
                sample = group.top1 if group else None
                bar = (sample.mean - sample.sd, sample.mean + sample.sd) if sample and sample.sd is not None else None
                label = f'{row.method}, {row.backbone}{", amp" * bool(group and group.setting.amp)}'
                colour = LCV if baseline_name(row.config) else BASELINE
                points.append(Point(label, sample.mean if sample else None, bar, colour, row.top1))
    caption = f'Table {table} of the paper: {rows[0].dataset}, crops of {rows[0].crop}, top-1 accuracy in %.'
    plots: list[Plot] = []
    if own:
        legend = "The paper's number (open diamond) and what was reached: mean over the seeds, standard deviation."
        plots = [Plot((picture(draw_rows(points, 'top-1 accuracy (%)'), f'{caption} {legend}'),), legend)]
    return Section(
        key=f'table-{table}',
        title=f'Table {table}: {rows[0].dataset}, {rows[0].crop}',
        paragraphs=() if own else ('No run that may stand beside these numbers has finished.',),
        tables=(Table(caption, PAPER_COLUMNS, tuple(lines)),),
        plots=(*plots, *training_plots(own)),
    )


def _paper_row(row: PaperRow, rows: Sequence[PaperRow], group: RunGroup | None, groups: Sequence[RunGroup]) -> Row:
    head = (row.method, row.backbone, number(row.top1))
    note = f'{row.note[:1].upper()}{row.note[1:]}.' if row.note else ''
    if row.quoted:
        return Row((*head, 'not comparable', NONE, NONE, NONE), note, {'config': row.config})
    baseline = baseline_name(row.config)
    paper_gain = next((signed(row.top1 - other.top1) for other in rows if other.config == baseline), NONE)
    if group is None:
        return Row((*head, 'not run', NONE, paper_gain, NONE), note, {'config': row.config})
    gain = NONE
    if baseline:
        other = group.counterpart(baseline, groups)
        differences = group.minus(other) if other else None
        gain = differences.text(difference=True) if differences else 'no common seed' if other else 'baseline not run'
    amp = group.setting.amp
    cells = (group.top1.text() + ', amp' * amp, signed(group.top1.mean - row.top1), paper_gain, gain)
    return Row((*head, *cells), ' '.join(filter(None, (note, AMP * amp))), group.data)


def runs_section(key: str, title: str, badge: str, paragraph: str, groups: Sequence[RunGroup]) -> Section:
    """Runs that are not rows of the paper: their accuracies, and the comparisons between those of one setting."""
    compared = [
        (comparison, group, differences)
        for comparison in comparisons_of(group.config for group in groups)
        for group in groups
        if group.config == comparison.config
        for other in [group.counterpart(comparison.against, groups)]
        for differences in [group.minus(other) if other else None]
        if differences
    ]
    plots: list[Plot] = []
    if compared:
        caption = 'The comparisons: mean of the paired differences, with its 95 % interval; filled where that leaves 0.'
        points = [
            Point(titled(comparison.question, group, groups), differences.mean, differences.interval)
            for comparison, group, differences in compared
        ]
        plots = [Plot((picture(draw_rows(points, 'difference of top-1 accuracy (points)'), caption),), caption)]
    comparison_rows = [
        Row(
            (
                comparison.question,
                differences.text(difference=True),
                ', '.join(map(signed, differences.values)),
                ' to '.join(map(signed, differences.interval or ())) or 'none',
                comparison.config,
                comparison.against,
                group.setting.made_on,
                group.setting.label,
            ),
            data={'config': comparison.config, 'against': comparison.against, 'setting': group.setting.label},
        )
        for comparison, group, differences in compared
    ]
    accuracies = 'Accuracies: mean ± standard deviation over the seeds.'
    comparisons = 'Comparisons: paired differences over the seeds that both configs have.'
    return Section(
        key=key,
        title=title,
        paragraphs=(paragraph,),
        tables=(
            Table(accuracies, RUN_COLUMNS, tuple(map(_run_row, groups)), RUN_REMARK),
            Table(comparisons, COMPARISON_COLUMNS, tuple(comparison_rows), COMPARISON_REMARK),
        ),
        plots=(*plots, *training_plots(groups)),
        badge=badge,
    )


def _run_row(group: RunGroup) -> Row:
    records = list(group.records.values())
    images, share = records[0].images, group.top1.mean / 100
    cells = (
        group.config,
        group.top1.text(),
        ', '.join(map(number, group.top1.values)),
        f'± {number(100 * math.sqrt(share * (1 - share) / images["test"]))}',
        group.setting.made_on,
        f'{images["train"]} / {images["test"]}',
        number(median(record.seconds for record in records) / 60, 1),
        group.setting.label,
    )
    return Row(cells, data=group.data)


def failed_section(runs: Sequence[Run]) -> Section:
    """Runs without a result."""
    rows = [
        Row(
            (run.record.config, str(run.record.seed), run.record.error or 'It left no accuracy/top1.'),
            data={'config': run.record.config, 'seed': str(run.record.seed)},
        )
        for run in runs
    ]
    columns = {'config': 'code', 'seed': 'number', 'error': 'block'}
    return Section(
        key='failed',
        title='Failed runs',
        paragraphs=('These enter no number of this report. Started again, they are taken up where they stopped.',),
        tables=(Table('Failed runs and what they said last.', columns, tuple(rows)),),
    )


def origin_section(groups: Sequence[RunGroup]) -> Section:
    """What the numbers were produced by: code, machines, versions, time and memory of all finished runs."""
    records = [record for group in groups for record in group.records.values()]
    versions = sorted({name for record in records for name in record.versions})
    return Section(
        key='origin',
        title='What produced these numbers',
        tables=(Table('Cost of the finished runs.', COST_COLUMNS, tuple(map(_cost_row, groups))),),
        listings={
            'Code': _counted(_commit(record.git) for record in records),
            'Machines': _counted(_machine(record.machine) for record in records),
            'Versions': tuple(
                f'{name}: {"; ".join(_counted(record.versions.get(name, "absent") for record in records))}'
                for name in versions
            ),
        },
    )


def _cost_row(group: RunGroup) -> Row:
    records = list(group.records.values())
    untimed = sum(record.untimed_sittings for record in records)
    cells = (
        group.config,
        group.setting.label,
        group.setting.data,
        str(len(records)),
        number(median(record.seconds for record in records), 0),
        number(median(record.test_seconds for record in records), 0),
        str(sum(record.sittings for record in records)),
        _peak(records, 'cpu'),
        _peak(records, 'gpu'),
    )
    note = f'Of {untimed} killed sessions the time is not known; it is missing here.' if untimed else ''
    return Row(cells, note, group.data)


def _peak(records: Sequence[Record], kind: str) -> str:
    peak = max(record.peak_memory.get(kind, 0) for record in records)
    return number(peak / 2**30) if peak else NONE


def _counted(values: Iterable[str]) -> tuple[str, ...]:
    """The distinct values, with how many runs have each where they differ."""
    counts = Counter(values)
    if len(counts) == 1:
        return tuple(counts)
    return tuple(f'{value} ({n} run{"s" * (n > 1)})' for value, n in counts.items())


def _commit(git: Mapping[str, object]) -> str:
    if not git:
        return 'outside a git repository'
    return f'commit {git["commit"]}' + ', with uncommitted changes' * bool(git.get('changed'))


def _machine(machine: Mapping[str, object]) -> str:
    gpu = f', {machine["gpu"]}' if machine.get('gpu') else ''
    return f'{machine.get("cpu") or "unknown CPU"}, {machine.get("cores", "?")} cores{gpu}'
