"""The sections of the report, from the records of a work dir: which runs stand where, and beside what."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from ...engine import write_atomically
from ...paper import EPOCHS, METRICS, TOP1, PaperRow, comparisons_of, read_rows
from ...visualization import address
from ..record import GENERATED, REAL, Record, read_records
from .plots import draw_differences, titled, training_plots
from .render import MINUS, NONE, Plot, Section, Table, number, signed, to_html, to_markdown
from .run_groups import Run, RunGroup, Sample, baseline_name, group_runs

RULES = (
    "Beside a number of the paper stand only finished runs of that row's config as it is, without options, on the "
    f"whole dataset, with the row's crop, ImageNet weights and {EPOCHS} epochs (rows that the paper quotes: with what "
    'their configs say). Reached is '
    'the mean ± sample standard deviation over the seeds; one seed has no spread. '
    f'LCV {MINUS} baseline is the mean of the differences between runs of the same seed. A quoted number is no top-1 '
    'accuracy: it stands with the name of what it is, and in no difference. A run whose cross entropy in the last '
    'epoch is above half of log C has not trained its classifier: it is marked, and in no difference either.'
)
# of the sections of runs that are no rows of the paper: anchor, title, what their numbers are not, and a paragraph
OTHER_RUNS = (
    'real',
    'Other runs on real images',
    ' (not a row of the paper)',
    'Parts of datasets, other crops, lengths or weights, settings changed by options, configs of your own: not to be '
    "held against the paper's numbers.",
)
REHEARSAL = (
    'rehearsal',
    'Rehearsal on generated data',
    " (drawn images, not the paper's)",
    'These runs saw images that the project draws itself. They show that everything from data to report works, and '
    'what the parts of LCV do on such images; nothing here is a number for a row of the paper.',
)
RUN_REMARK = (
    'Standard error: binomial, of one accuracy at the mean, from the number of test images. Seeds that share the test '
    'images share it, so the spread over the seeds does not hold it.'
)
COMPARISON_REMARK = (
    "Interval: Student's t over the seeds. Of twenty about one leaves 0 out by chance; one seed gives none."
)
SHORT = {**METRICS, TOP1: 'top-1'}  # in headings
VERSIONS = ('Python', 'PyTorch', 'TorchVision', 'MMCV', 'MMEngine', 'lcv_mm')


def write_report(work_dir: Path) -> tuple[Path, Path]:
    """Write `report.html` and `report.md` on the runs in a work dir, `<config>/seed_<n>/record.json`; it may be empty.

    Raises:
        DataError: If a record can't be read, or two folders hold the same run.
    """
    sections = make_sections([Run(folder, record) for folder, record in read_records(work_dir)])
    page, markdown = work_dir / 'report.html', work_dir / 'report.md'
    write_atomically(page, to_html(sections))
    write_atomically(markdown, to_markdown(sections))
    return page, markdown


def make_sections(runs: Sequence[Run]) -> list[Section]:
    """Sort the runs into the sections, each into exactly one."""
    rows = read_rows()
    groups = group_runs(run for run in runs if run.finished)
    failed = [run for run in runs if not run.finished]
    beside = [group for group in groups if any(enters(group, row) for row in rows)]
    drawn = [group for group in groups if group.setting.data == GENERATED]
    others = [group for group in groups if group not in drawn and group not in beside]
    finished, *counts = (sum(len(group.runs) for group in part) for part in (groups, beside, others, drawn))
    summary = (
        f"Finished runs: {finished}, of which {counts[0]} stand beside the paper's numbers, {counts[1]} are other "
        f'runs on real images and {counts[2]} saw generated images. Failed runs: {len(failed)}.'
    )
    return [
        Section(
            'summary', "LCV: the paper's tables, run again", (summary if runs else 'Nothing has been run yet.', RULES)
        ),
        *(paper_section([row for row in rows if row.table == table], beside) for table in (1, 2, 3, 4)),
        *([runs_section(*OTHER_RUNS, others)] if others else []),
        *([runs_section(*REHEARSAL, drawn)] if drawn else []),
        *([failed_section([run.record for run in failed])] if failed else []),
        *([origin_section(groups)] if groups else []),
    ]


def enters(group: RunGroup, row: PaperRow) -> bool:
    """Whether runs may stand beside a row's number: its config, weights, crop and length, on the whole dataset.

    Weights, crop and length of a quoted row are its config's: the paper does not give those of another system.
    """
    setting = group.setting
    facts = ((setting.weights, row.weights), (setting.crop, row.crop), (setting.epochs, EPOCHS))
    return (group.config, setting.data, setting.options) == (row.config, REAL, '') and (
        row.quoted or all(known in ('', str(expected)) for known, expected in facts)
    )


def paper_section(rows: Sequence[PaperRow], groups: Sequence[RunGroup]) -> Section:
    """A table of the paper beside what was reached; the only place where the two meet."""
    own = [group for group in groups if group.config in {row.config for row in rows}]
    name, crop = f'Table {rows[0].table}', rows[0].crop
    caption = f'{name} of the paper: {rows[0].dataset}, crops of {crop}, top-1 accuracy in % if nothing else is said.'
    table = Table(caption, [cells for row in rows for cells in _paper_cells(row, rows, own)])
    paragraphs = () if own else ('No run that may stand beside these numbers has finished.',)
    title = f'{name}: {rows[0].dataset}, {crop}'
    return Section(f'table-{rows[0].table}', title, paragraphs, [table], training_plots(own))


def _paper_cells(row: PaperRow, rows: Sequence[PaperRow], groups: Sequence[RunGroup]) -> Iterator[dict[str, str]]:
    """A row once for each setting: runs with and without amp are not averaged; as 'not run' where there is none."""
    baseline = baseline_name(row.config)
    what = f', {METRICS[row.metric]}' if row.quoted else ''
    cells = {
        'method': row.method,
        'backbone': row.backbone,
        'paper': number(row.paper) + what,
        'reached': 'not run',
        (minus_paper := f'reached {MINUS} paper'): NONE,
        f'LCV {MINUS} baseline, paper': next((signed(row.paper - r.paper) for r in rows if r.config == baseline), NONE),
        (gain := f'LCV {MINUS} baseline, reached'): NONE,
        'note': f'{row.note[:1].upper()}{row.note[1:]}.' if row.note else '',
    }
    own = [group for group in groups if group.config == row.config]
    if not own:
        yield cells
    for group in own:
        amp, other = group.setting.amp, group.counterpart(baseline, groups)
        missing = ('no common seed' if other else 'baseline not run') if baseline else NONE
        if group.untrained or (other and other.untrained):
            missing = 'classifier not trained'
        notes = [cells['note'], group.untrained, 'Mixed precision (amp), which the paper does not mention.' * amp]
        if row.quoted and (top1 := group.measured(TOP1)):
            notes.append(f'Top-1 accuracy reached: {top1}.')
        yield {
            **cells,
            'reached': group.result.text() + what + ', amp' * amp,
            minus_paper: NONE if row.quoted else signed(group.result.mean - row.paper),
            gain: differences.text(difference=True) if (differences := group.minus(other)) else missing,
            'note': ' '.join(filter(None, notes)),
        }


def runs_section(key: str, title: str, apart: str, paragraph: str, groups: Sequence[RunGroup]) -> Section:
    """Runs that are not rows of the paper: their results, and the comparisons between those of one setting.

    Each metric has tables of its own.
    """
    tables: list[Table] = []
    plots: list[Plot] = []
    for metric in sorted({group.metric for group in groups}, key=[*METRICS].index):
        own = [group for group in groups if group.metric == metric]
        what = METRICS[metric][0].upper() + METRICS[metric][1:]
        name = 'Accuracies' if metric == TOP1 else f'{what}, not to be held against top-1 accuracy'
        caption = f'{name}: mean ± standard deviation over the seeds{apart}.'
        tables.append(Table(caption, [_run_cells(group) for group in own], RUN_REMARK if metric == TOP1 else ''))
        differences = list(_differences(own))
        if differences:
            caption = f'Comparisons: paired differences over the seeds that both configs have{apart}.'
            tables.append(Table(caption, [row for row, _, _ in differences], COMPARISON_REMARK))
            caption = (
                'The comparisons: mean of the paired differences, with its 95 % interval; filled where that leaves 0.'
            )
            points = [(label, sample.mean, sample.interval) for _, label, sample in differences]
            plots.append(Plot(caption, [(caption, address(draw_differences(points, METRICS[metric])))]))
    return Section(key, title + apart, (paragraph,), tables, [*plots, *training_plots(groups)])


def _differences(groups: Sequence[RunGroup]) -> Iterator[tuple[dict[str, str], str, Sample]]:
    """The comparisons between groups of one metric: a row of the table, a label of the plot, and the differences."""
    for comparison in comparisons_of(group.config for group in groups):
        for group in (group for group in groups if group.config == comparison.config):
            differences = group.minus(group.counterpart(comparison.against, groups))
            if differences:
                row = {
                    'question': comparison.question,
                    f'difference of {SHORT[group.metric]} (points)': differences.text(difference=True),
                    'by seed': ', '.join(map(signed, differences)),
                    '95 % interval': ' to '.join(map(signed, differences.interval or ())) or 'none',
                    'config': comparison.config,
                    'minus': comparison.against,
                    'data, weights, crop, length': group.setting.made_on,
                    'options': group.setting.label,
                }
                yield row, titled(comparison.question, group, groups), differences


def _run_cells(group: RunGroup) -> dict[str, str]:
    is_top1 = group.metric == TOP1
    share, images = group.result.mean / 100, next(iter(group.records.values())).images['test']
    error = f'± {number(100 * math.sqrt(share * (1 - share) / images))}' if is_top1 else ''
    return {
        'config': group.config,
        f'{SHORT[group.metric]} (%)': group.result.text(),
        'by seed': ', '.join(map(number, group.result)),
        'standard error of one accuracy': error,
        **({} if is_top1 else {'top-1 of the same runs (%)': group.measured(TOP1)}),
        'data, weights, crop, length': group.setting.made_on,
        'images, train / test': group.setting.images,
        'options': group.setting.label,
        'note': group.untrained,
    }


def failed_section(records: Sequence[Record]) -> Section:
    """Runs without a result."""
    rows = [{'config': r.config, 'seed': str(r.seed), 'error': r.error or f'It left no {r.metric}.'} for r in records]
    paragraph = 'These enter no number of this report. Started again, they are taken up where they stopped.'
    return Section('failed', 'Failed runs', (paragraph,), [Table('Failed runs and what they said last.', rows)])


def origin_section(groups: Sequence[RunGroup]) -> Section:
    """What the numbers were produced by: time and memory of all finished runs, and their code, machines, versions."""
    made_by = Counter(_made_by(record) for group in groups for record in group.records.values())
    heads = ('runs', 'commit', 'machine', 'versions')
    rows = [dict(zip(heads, (str(runs), *made), strict=True)) for made, runs in made_by.items()]
    tables = [
        Table('Cost of the finished runs.', [_cost_cells(group) for group in groups]),
        Table('Code and machines.', rows, 'All versions are in the record.json of each run.'),
    ]
    return Section('origin', 'What produced these numbers', tables=tables)


def _cost_cells(group: RunGroup) -> dict[str, str]:
    records = list(group.records.values())

    def peak(kind: str) -> str:
        highest = max(record.peak_memory.get(kind, 0) for record in records)
        return number(highest / 2**30) if highest else NONE

    untimed = sum(record.untimed_sessions for record in records)
    return {
        'config': group.config,
        'options': group.setting.label,
        'data': group.setting.data,
        'runs': str(len(records)),
        'training (s, median)': number(median(record.seconds for record in records), 0),
        'test (s, median)': number(median(record.test_seconds for record in records), 0),
        'sessions': str(sum(record.sessions for record in records)),
        'killed, time unknown': str(untimed) if untimed else '',
        'peak memory, CPU (GiB)': peak('cpu'),
        'peak memory, GPU (GiB)': peak('gpu'),
    }


def _made_by(record: Record) -> tuple[str, str, str]:
    """Commit, machine and the main versions that a run was made with."""
    git, machine = record.git, record.machine
    commit = f'{git["commit"]}{", with uncommitted changes" * bool(git.get("changed"))}' if git else 'outside of git'
    names = (machine.get('cpu') or 'unknown CPU', f'{machine.get("cores", "?")} cores', machine.get('gpu'))
    # of Python without its compiler, which is on a line of its own in the record
    versions = (f'{name} {record.versions[name].split()[0]}' for name in VERSIONS if record.versions.get(name))
    return commit, ', '.join(filter(None, names)), ', '.join(versions)
