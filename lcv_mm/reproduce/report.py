"""The report on runs, in Markdown with pictures: a comparison of configs, or the paper's tables."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from statistics import fmean, median

from matplotlib.figure import Figure

from ..data_prep.facts import DATASET_INFO
from ..engine import write_atomically
from ..visualization import draw_curves, read_curves
from .paper import EPOCHS, METRICS, TOP1, Comparison, PaperRow, comparisons_of, read_rows
from .record import Record
from .run_groups import COMPARABLE, CONDITIONS, RunGroup, read_groups
from .summary import draw_differences, holm, markdown_table, mean_and_spread

REMARK = (
    "Mean ± sample standard deviation over the seeds. A difference has Welch's 95 % interval if both sides have three "
    'seeds or more, in bold if it excludes 0; p is Holm-corrected for the comparisons of a table. A run whose cross '
    'entropy in the last epoch is above half of log C has not trained its classifier, and is left out of differences.'
)
PAPER_REMARK = (
    "Next to the paper's numbers are finished runs of a row's config on the complete dataset, with its crop and "
    f'{EPOCHS} epochs. They may override only the path of the data, the fold, the number of workers and the weights; '
    "weights other than the config's are named. The number of a quoted row is not a top-1 accuracy, and is left out of "
    'differences.'
)
SHOWN_CONDITIONS = (*CONDITIONS, 'machine', 'commit')  # written above a table if all its rows share it
ROW_OPTIONS = ('data_root', 'init_cfg.checkpoint', 'fold', 'num_workers')  # ends of options that a run of a row may set


def write_report(
    work_dir: Path,
    configs: Sequence[str],
    seeds: Sequence[int] | None = None,
    *,
    baseline: str = '',
    out: Path | None = None,
) -> Path:
    """Write `report.md` and its pictures about the runs in a work dir, and return its path.

    Args:
        work_dir (Path): Folder of all runs, `<config>/seed_<n>/record.json`.
        configs (Sequence[str]): Names of the configs.
        seeds (Sequence[int], optional): Defaults to all that have been run.
        baseline (str): The config that the others are compared with. Without it, the report is on the paper's tables.
        out (Path, optional): Folder of the report. Defaults to the work dir.
    """
    groups, failed = read_groups(work_dir, configs, seeds)
    folder = out or work_dir
    folder.mkdir(parents=True, exist_ok=True)
    blocks = _comparison(groups, configs, baseline, folder) if baseline else _paper(groups, folder)
    page = folder / 'report.md'
    write_atomically(page, '\n\n'.join(filter(None, [*blocks, *_failures(failed), *_costs(groups)])) + '\n')
    return page


def _comparison(groups: Sequence[RunGroup], configs: Sequence[str], baseline: str, folder: Path) -> Iterator[str]:
    """Compare configs with one of them: results, differences, and all curves in one picture."""
    yield f'# Comparison with `{baseline}`'
    missing = [config for config in configs if config not in {group.config for group in groups}]
    yield f'No finished run: `{"`, `".join(missing)}`.' if missing else ''
    comparisons = [Comparison('', config, baseline) for config in configs if config != baseline]
    yield from _results(groups, comparisons, COMPARABLE, folder)
    yield REMARK
    curves: dict[str, list] = {}
    for group in groups:
        for run in group.runs:
            with suppress(Exception):  # a run without a readable log still has its result
                read = read_curves(run)
                curves.setdefault(_label(group.config, group, groups), []).append(read)
    if curves:
        yield _picture(draw_curves(curves), folder / 'curves.png')


def _paper(groups: Sequence[RunGroup], folder: Path) -> Iterator[str]:
    """The paper's tables with the numbers reached, then all runs."""
    sections, empty = [], []
    for title, of_table in groupby(read_rows(), lambda row: f'Table {row.table}: {row.dataset}, crops of {row.crop}'):
        rows = [*of_table]
        if any(row_of(group) in rows for group in groups):
            sections += [f'## {title}', *_folded([cells for row in rows for cells in _paper_cells(row, groups)])]
        else:
            empty.append(f'{title} ({len(rows)} rows)')
    yield "# The paper's tables, run again"
    yield f'{PAPER_REMARK} {REMARK}'
    yield f'No finished run: {"; ".join(empty)}.' if empty else ''
    yield from sections
    if groups:
        yield '## All runs'
        yield from _results(groups, comparisons_of(group.config for group in groups), CONDITIONS, folder)


def row_of(group: RunGroup) -> PaperRow | None:
    """The row of the paper that runs can be compared with: same config, crop and length, on the complete dataset.

    Crop and length of a quoted row are not compared: the paper does not give those of other systems.
    """
    row = next((row for row in read_rows() if row.config == group.config), None)
    if row is None or row.metric != group.metric:
        return None
    run = next(iter(group.runs.values()))
    info = next(info for info in DATASET_INFO.values() if info.title == row.dataset)
    train, test = info.splits[:2]  # for flowers, those of the first fold; all folds have the same size
    is_complete = run.dataset == info.type and run.images == {'train': train.images, 'test': test.images}
    known = (group.conditions['crop'], row.crop), (group.conditions['epochs'], EPOCHS)
    is_as_stated = row.quoted or all(value in ('', str(expected)) for value, expected in known)
    return row if is_complete and is_as_stated and all(key.endswith(ROW_OPTIONS) for key in run.options) else None


def _paper_cells(row: PaperRow, groups: Sequence[RunGroup]) -> Iterator[dict[str, str]]:
    """The lines for a row of the paper: one for each set of conditions that was run, or one that says 'not run'."""
    what = f', {METRICS[row.metric]}' if row.quoted else ''
    cells = {
        'method': row.method,
        'backbone': row.backbone,
        'paper': f'{row.paper:.2f}{what}',
        'reached': 'not run',
        'reached - paper': '',
        'note': row.note,
    }
    chosen = [group for group in groups if row_of(group) == row]
    for group in chosen:
        weights, of_the_row = group.conditions['weights'], row.backbone.lower().replace('-', '')  # torchvision's name
        named = f', with {weights}' if weights not in ('', of_the_row) and not row.quoted else ''
        yield cells | {
            'reached': f'{mean_and_spread(group.results)} (seeds: {len(group.runs)}){what}{named}',
            'reached - paper': '' if row.quoted else f'{fmean(group.results) - row.paper:+.2f}',
            'note': '; '.join(filter(None, (row.note, group.untrained))),
            **{name: group.conditions[name] for name in CONDITIONS if name != 'weights'},
        }
    if not chosen:
        yield cells


def _results(
    groups: Sequence[RunGroup], comparisons: Sequence[Comparison], same: Sequence[str], folder: Path
) -> Iterator[str]:
    """Results of runs and differences between them, in separate tables for each metric."""
    for metric in METRICS:
        chosen = [group for group in groups if group.metric == metric]
        rows = [
            {
                'config': f'`{group.config}`',
                f'{"top-1" if metric == TOP1 else METRICS[metric]} (%)': mean_and_spread(group.results),
                'by seed': ', '.join(f'{run.seed}: {run.result:.2f}' for run in group.runs.values()),
                'note': group.untrained,
                **{name: group.conditions[name] for name in CONDITIONS},
            }
            for group in chosen
        ]
        yield from _folded(rows)
        yield from _differences(chosen, comparisons, same, folder)


def _differences(
    groups: Sequence[RunGroup], comparisons: Sequence[Comparison], same: Sequence[str], folder: Path
) -> Iterator[str]:
    """A table and a forest plot of the comparisons whose sides were run under the `same` conditions."""
    pairs = [
        (comparison, group, other, value)
        for comparison in comparisons
        for group in groups
        if group.config == comparison.config
        and (other := group.counterpart(comparison.against, groups, same))
        and (value := group.minus(other))
    ]
    rows, points = [], []
    for (comparison, group, other, value), p in zip(pairs, holm([value.p for *_, value in pairs]), strict=True):
        ours, theirs = row_of(group), row_of(other)
        rows.append(
            {
                'question': comparison.question,
                'config': _label(f'`{group.config}`', group, groups),
                'minus': f'`{other.config}`',
                'difference': value.text(),
                'p': '' if p is None else f'{p:.3f}',
                'in the paper': f'{ours.paper - theirs.paper:+.2f}' if ours and theirs else '',
            }
        )
        if value.interval:
            points.append((_label(comparison.question or f'{group.config} - {other.config}', group, groups), value))
    yield from _folded(rows)
    if points:
        metric = groups[0].metric
        file = folder / f'differences_{metric.replace("/", "_")}.png'
        yield _picture(draw_differences(points, METRICS[metric]), file)


def _label(text: str, group: RunGroup, groups: Iterable[RunGroup]) -> str:
    """A label, with the options and precision of its group if the groups differ in them."""
    conditions = {(other.conditions['options'], other.conditions['precision']) for other in groups}
    words = (text, group.conditions['options'].replace('`', ''), group.conditions['precision'])
    return ', '.join(filter(None, words)) if len(conditions) > 1 else text


def _picture(figure: Figure, file: Path) -> str:
    """Save a figure, and return the Markdown that shows it."""
    figure.savefig(file, dpi=120)
    return f'![{file.stem}]({file.name})'


def _failures(records: Sequence[Record]) -> Iterator[str]:
    """The last lines of failed runs."""
    yield '## Failed runs' if records else ''
    for record in records:
        error = textwrap.indent(record.error or f'{record.metric} was not measured.', ' ' * 4)
        yield f'`{record.config}`, seed {record.seed}:\n\n{error}'


def _costs(groups: Sequence[RunGroup]) -> Iterator[str]:
    """Time, memory, machines and commits of the finished runs."""
    rows = []
    for group in groups:
        records = list(group.runs.values())
        parameters = max(record.parameters for record in records)
        peaks = {kind: max(record.peak_memory.get(kind, 0) for record in records) for kind in ('cpu', 'gpu')}
        rows.append(
            {
                'config': _label(f'`{group.config}`', group, groups),
                'runs': str(len(records)),
                'parameters (million)': f'{parameters / 1e6:.2f}' if parameters else '',
                'training (s, median)': f'{median(record.seconds for record in records):.0f}',
                **{f'peak memory, {k.upper()} (GiB)': f'{v / 2**30:.2f}' if v else '' for k, v in peaks.items()},
                'machine': '; '.join(dict.fromkeys(map(_machine, records))),
                'commit': '; '.join(dict.fromkeys(map(_commit, records))),
            }
        )
    yield '## Cost' if rows else ''
    yield from _folded(rows)


def _machine(record: Record) -> str:
    return ', '.join(f'{value} cores' if name == 'cores' else value for name, value in record.machine.items())


def _commit(record: Record) -> str:
    return record.git.get('commit', 'none')[:12] + ' with uncommitted changes' * bool(record.git.get('changed'))


def _folded(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """A line with the conditions that all rows share, and a table of the rest without empty columns.

    Rows that were not run have no conditions, and do not count.
    """
    values = {name: {row[name] for row in rows if name in row} for name in SHOWN_CONDITIONS}
    shared = {name: texts.pop() for name, texts in values.items() if len(texts) == 1}
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in shared]
    names = [name for name in names if any(row.get(name) for row in rows)]
    line = '; '.join(f'{name}: {text}' for name, text in shared.items() if text)
    table = markdown_table([{name: row.get(name, '') for name in names} for row in rows]) if rows else ''
    return [f'All runs: {line}.' if line else '', table]
