"""The paper's tables in Markdown, for the README."""

from collections.abc import Sequence

from .rows import PaperRow


def markdown_tables(rows: Sequence[PaperRow]) -> str:
    """One Markdown table for each table of the paper: config, paper's number, and a column for what was reached."""
    blocks = []
    for table in sorted({row.table for row in rows}):
        own = [row for row in rows if row.table == table]
        lines = [
            f'**Table {table}.** {own[0].dataset}, crops of {own[0].crop}, top-1 accuracy in %',
            '',
            '| method | backbone | config | paper | reached |',
            '|---|---|---|---|---|',
        ]
        lines += [f'| {row.method} | {row.backbone} | {_link(row)} | {row.top1:.2f} | |' for row in own]
        blocks.append('\n'.join(lines))
    return '\n\n'.join(blocks)


def _link(row: PaperRow) -> str:
    return 'quoted by the paper' if row.quoted else f'[{row.config}](configs/{row.config}.py)'
