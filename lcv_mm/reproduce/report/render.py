"""A report as plain data, and how it is written: as one HTML page that needs nothing else, and in Markdown."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

MINUS = '\N{MINUS SIGN}'
NONE = '\N{EN DASH}'  # in a cell that has nothing to say
SPECIAL = re.compile(r'([\\`*_\[\]|~#])')  # in Markdown


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Args:
        cells (tuple[str, ...]): One text for each column.
        note (str): A footnote to it, or nothing.
        data (Mapping[str, str]): For `data-...` attributes, by which a program finds the row on the page.
    """

    cells: tuple[str, ...]
    note: str = ''
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table with its caption, and a remark on all of it.

    Args:
        caption (str): What it shows.
        columns (Mapping[str, str]): The kind of each column by its heading: 'text', 'long' (text on one line), 'number'
            (aligned right), 'code' (a name out of a config) or 'block' (lines kept). Columns in which no row has
            anything are left out.
        rows (tuple[Row, ...]): Its rows.
        remark (str): Stands below it.
    """

    caption: str
    columns: Mapping[str, str]
    rows: tuple[Row, ...]
    remark: str = ''

    @property
    def shown(self) -> list[tuple[int, str, str]]:
        """Place, heading and kind of the columns that are not empty."""
        columns = ((place, *column) for place, column in enumerate(self.columns.items()))
        return [column for column in columns if any(row.cells[column[0]] for row in self.rows)]

    @property
    def notes(self) -> list[str]:
        """The distinct footnotes of the rows; each has its place in this list, from 1, as its number."""
        return list(dict.fromkeys(row.note for row in self.rows if row.note))


@dataclass(frozen=True)
class Picture:
    """An SVG file, and what it shows."""

    svg: bytes
    shows: str

    @property
    def address(self) -> str:
        """For an `<img>`: the file itself."""
        return f'data:image/svg+xml;base64,{base64.b64encode(self.svg).decode()}'


@dataclass(frozen=True)
class Plot:
    """Pictures under one caption; for the page alone."""

    pictures: tuple[Picture, ...]
    caption: str


@dataclass(frozen=True)
class Section:
    """A section of the report.

    Args:
        key (str): Its anchor on the page.
        title (str): Its heading.
        paragraphs (tuple[str, ...]): What stands before its tables.
        tables (tuple[Table, ...]): Those without a row are left out.
        plots (tuple[Plot, ...]): Come after the tables.
        listings (Mapping[str, tuple[str, ...]]): Lists by their titles, folded away on the page.
        badge (str): Set where its numbers must not be taken for the paper's; stands at its heading and at each table.
    """

    key: str
    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    listings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    badge: str = ''


@dataclass(frozen=True)
class Report:
    """The whole of it."""

    title: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...]


def number(value: float, digits: int = 2) -> str:
    """Such as `75.18`, with a minus sign where it is negative."""
    return f'{value:.{digits}f}'.replace('-', MINUS)


def signed(value: float, digits: int = 2) -> str:
    """A difference, such as `+0.28`; one that rounds to zero has no sign."""
    text = f'{value:+.{digits}f}'
    return text[1:] if not float(text) else text.replace('-', MINUS)


def to_html(report: Report) -> str:
    """The page; all text of the report is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = files(__package__).joinpath('report.html.j2').read_text(encoding='utf-8')
    return environment.from_string(text).render(report=report)


def to_markdown(report: Report) -> str:
    """The report without its plots, in the order of the page."""
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
    for title, items in section.listings.items():
        yield from (f'**{_plain(title)}**', '')
        yield from (f'- {_plain(item)}' for item in items)
        yield ''


def _table(table: Table, badge: str) -> Iterator[str]:
    yield from (f'**{_plain(table.caption + badge)}**', '')
    yield '| ' + ' | '.join(_plain(title) for _, title, _ in table.shown) + ' |'
    yield '|' + '|'.join('---:' if kind == 'number' else '---' for _, _, kind in table.shown) + '|'
    for row in table.rows:
        cells = [(_code if kind == 'code' else _plain)(row.cells[place]) for place, _, kind in table.shown]
        if row.note:
            cells[0] += f' <sup>{table.notes.index(row.note) + 1}</sup>'
        yield '| ' + ' | '.join(cells) + ' |'
    yield ''
    if table.notes:
        yield from (f'{place}. {_plain(note)}' for place, note in enumerate(table.notes, 1))
        yield ''
    if table.remark:
        yield from (_plain(table.remark), '')


def _plain(text: str) -> str:
    """Text that Markdown and HTML take as it stands, on one line."""
    text = text.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
    return '<br>'.join(SPECIAL.sub(r'\\\1', line) for line in text.splitlines())


def _code(text: str) -> str:
    # a pipe ends a cell even in code; a backtick would end the code
    return f'`{text}`'.replace('|', '\\|') if text and '`' not in text else _plain(text)
