"""Reads the records of a work dir and writes the report beside them."""

from collections.abc import Sequence
from pathlib import Path

from ...engine import AtomicBackend
from ...paper import read_comparisons, read_rows
from ..data_kind import GENERATED
from ..record import read_records
from .groups import Run, RunGroup, group_runs
from .html import to_html
from .markdown import to_markdown
from .numbers import MINUS
from .origin_section import origin_section
from .other_sections import failed_section, other_section
from .paper_section import enters, paper_section
from .parts import Report
from .rehearsal_section import rehearsal_section

RULES = (
    "Beside a number of the paper stand only finished runs of that row's config as it is, without options, on the "
    'whole dataset. Reached is the mean ± sample standard deviation over the seeds; one seed has no spread. '
    f'LCV {MINUS} baseline is the mean of the differences between runs of the same seed.'
)


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
        AtomicBackend().put(text.encode(), path)
    return written


def make_report(runs: Sequence[Run]) -> Report:
    """Sort the runs into the sections, each into exactly one."""
    rows = read_rows()
    groups = group_runs(run for run in runs if run.finished)
    failed = [run for run in runs if not run.finished]
    others = [
        group for group in groups if group.setting.data != GENERATED and not any(enters(group, row) for row in rows)
    ]
    tables = sorted({row.table for row in rows})
    sections = [paper_section(table, [row for row in rows if row.table == table], groups) for table in tables]
    if others:
        sections.append(other_section(others))
    sections.append(rehearsal_section(read_comparisons(), groups))
    if failed:
        sections.append(failed_section(failed))
    if groups:
        sections.append(origin_section(groups))
    return Report("LCV: the paper's tables, run again", (_counts(groups, others, failed), RULES), tuple(sections))


def _counts(groups: Sequence[RunGroup], others: Sequence[RunGroup], failed: Sequence[Run]) -> str:
    if not groups and not failed:
        return 'Nothing has been run yet.'
    finished = sum(len(group.runs) for group in groups)
    generated = sum(len(group.runs) for group in groups if group.setting.data == GENERATED)
    other = sum(len(group.runs) for group in others)
    return (
        f"Finished runs: {finished}, of which {finished - generated - other} stand beside the paper's numbers, "
        f'{generated} saw generated images and {other} are other runs. Failed runs: {len(failed)}.'
    )
