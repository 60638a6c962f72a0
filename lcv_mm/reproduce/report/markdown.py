"""The report in Markdown: its tables, without the plots."""

import re
from collections.abc import Iterator

from .parts import Report, Section, Table

SPECIAL = re.compile(r'([\\`*_\[\]|~#])')
ALIGN = {'number': '---:'}


def to_markdown(report: Report) -> str:
    """The whole report, in the order of the page."""
    lines = [f'# {_plain(report.title)}', '']
    for paragraph in report.summary:
        lines += [_plain(paragraph), '']
    for section in report.sections:
        lines += _section(section)
    return '\n'.join(lines).rstrip() + '\n'


def _section(section: Section) -> Iterator[str]:
    badge = f' ({section.badge})' if section.badge else ''
    yield from (f'## {_plain(section.title + badge)}', '')
    for paragraph in section.paragraphs:
        yield from (_plain(paragraph), '')
    for table in section.tables:
        if table.rows:
            yield from _table(table, badge)
    for listing in section.listings:
        yield from (f'**{_plain(listing.title)}**', '')
        yield from (f'- {_plain(item)}' for item in listing.items)
        yield ''


def _table(table: Table, badge: str) -> Iterator[str]:
    yield from (f'**{_plain(table.caption + badge)}**', '')
    yield '| ' + ' | '.join(_plain(column.title) for column in table.columns) + ' |'
    yield '|' + '|'.join(ALIGN.get(column.kind, '---') for column in table.columns) + '|'
    notes = table.notes
    for row in table.rows:
        cells = [
            _code(cell) if column.kind == 'code' else _plain(cell)
            for column, cell in zip(table.columns, row.cells, strict=True)
        ]
        if row.note:
            cells[0] += f' <sup>{notes.index(row.note) + 1}</sup>'
        yield '| ' + ' | '.join(cells) + ' |'
    yield ''
    yield from (f'{place}. {_plain(note)}' for place, note in enumerate(notes, 1))
    if notes:
        yield ''
    for remark in table.remarks:
        yield from (_plain(remark), '')


def _plain(text: str) -> str:
    """Text that Markdown and HTML take as it stands, on one line."""
    text = text.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
    return '<br>'.join(SPECIAL.sub(r'\\\1', line) for line in text.splitlines())


def _code(text: str) -> str:
    # a pipe ends a cell even in code; a backtick would end the code
    return f'`{text}`'.replace('|', '\\|') if text and '`' not in text else _plain(text)
