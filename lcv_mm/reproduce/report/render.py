"""A report as plain data, and how it is written: as one HTML page that needs nothing else, and in Markdown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...visualization import render_page

MINUS = '\N{MINUS SIGN}'
NONE = '\N{EN DASH}'  # in a cell that has nothing to say
SPECIAL = re.compile(r'([\\`*_\[\]|~#])')  # in Markdown
# by their headings, the columns that hold no numbers: 'code' is shown as it was written, 'long' on one line
KINDS = {
    **dict.fromkeys(('method', 'backbone', 'question', 'note', 'data', 'versions'), 'text'),
    **dict.fromkeys(('data, weights, crop, length', 'machine'), 'long'),
    **dict.fromkeys(('config', 'minus', 'options', 'error', 'commit'), 'code'),
}


@dataclass(frozen=True)
class Table:
    """At least one row of texts by the headings of their columns, with a caption above and a remark below."""

    caption: str
    rows: Sequence[Mapping[str, str]]
    remark: str = ''

    @property
    def columns(self) -> dict[str, str]:
        """Heading and kind, one of KINDS or 'number', of the columns in which any row has a text."""
        return {name: KINDS.get(name, 'number') for name in self.rows[0] if any(row[name] for row in self.rows)}


@dataclass(frozen=True)
class Plot:
    """Pictures under one caption, each as what it shows and its address; for the page alone."""

    caption: str
    pictures: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Section:
    """A section of the report: its anchor on the page and its heading, then what it holds, in this order."""

    key: str
    title: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()


def number(value: float, digits: int = 2) -> str:
    """Such as `75.18`, with a minus sign where it is negative."""
    return f'{value:.{digits}f}'.replace('-', MINUS)


def signed(value: float) -> str:
    """A difference, such as `+0.28`; one that rounds to zero has no sign."""
    text = f'{value:+.2f}'
    return text[1:] if not float(text) else text.replace('-', MINUS)


def to_html(sections: Sequence[Section]) -> str:
    """The page, its first section at the top; all text is escaped."""
    return render_page('reproduce/report/report.html.j2', sections=sections)


def to_markdown(sections: Sequence[Section]) -> str:
    """The report without its plots, in the order of the page."""
    blocks = []
    for level, section in enumerate(sections):
        blocks += [f'{"##" if level else "#"} {_plain(section.title)}', *map(_plain, section.paragraphs)]
        for table in section.tables:
            blocks += [f'**{_plain(table.caption)}**', _table(table)]
            blocks += [_plain(table.remark)] if table.remark else []
    return '\n\n'.join(blocks) + '\n'


def _table(table: Table) -> str:
    kinds = table.columns
    lines = [[_plain(name) for name in kinds], ['---:' if kind == 'number' else '---' for kind in kinds.values()]]
    lines += [[(_code if kind == 'code' else _plain)(row[name]) for name, kind in kinds.items()] for row in table.rows]
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in lines)


def _plain(text: str) -> str:
    """Text that Markdown and HTML take as it stands, on one line."""
    text = text.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
    return '<br>'.join(SPECIAL.sub(r'\\\1', line) for line in text.splitlines())


def _code(text: str) -> str:
    # a pipe ends a cell even in code; a backtick or a line's end would end the code
    return f'`{text}`'.replace('|', '\\|') if text and not {'`', '\n'} & {*text} else _plain(text)
