"""What a report is made of, as plain data: the page and the Markdown are written from the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        title (str): Its heading.
        kind (str): 'text', 'number' (aligned right), 'code' (a name out of a config) or 'block' (lines kept).
    """

    title: str
    kind: str = 'text'


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Args:
        cells (tuple[str, ...]): One text a column.
        note (str): A footnote to it, or nothing.
        data (Mapping[str, str]): For `data-...` attributes, by which a program finds the row on the page.
    """

    cells: tuple[str, ...]
    note: str = ''
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table with its caption, and remarks on all of it."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    remarks: tuple[str, ...] = ()

    def without_empty_columns(self) -> 'Table':
        """The same table without the columns in which no row has anything."""
        kept = [place for place in range(len(self.columns)) if any(row.cells[place] for row in self.rows)]
        rows = (replace(row, cells=tuple(row.cells[place] for place in kept)) for row in self.rows)
        return replace(self, columns=tuple(self.columns[place] for place in kept), rows=tuple(rows))

    @property
    def notes(self) -> list[str]:
        """The distinct footnotes of the rows; each has its place in this list, from 1, as its number."""
        return list(dict.fromkeys(row.note for row in self.rows if row.note))


@dataclass(frozen=True)
class Plot:
    """Pictures under one caption, each an `<svg>` element; for the page alone."""

    svgs: tuple[str, ...]
    caption: str


@dataclass(frozen=True)
class Listing:
    """A list that is folded away on the page."""

    title: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """A section of the report.

    Args:
        key (str): Its anchor on the page.
        title (str): Its heading.
        paragraphs (tuple[str, ...]): What stands before its tables.
        tables (tuple[Table, ...]): Those without a row are left out.
        plots (tuple[Plot, ...]): Behind the tables.
        listings (tuple[Listing, ...]): Behind the plots.
        badge (str): Set where its numbers must not be taken for the paper's; stands at its heading and at each table.
    """

    key: str
    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    listings: tuple[Listing, ...] = ()
    badge: str = ''


@dataclass(frozen=True)
class Report:
    """The whole of it."""

    title: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
