"""Render pages that need no other file, with their plots."""

import base64
import io
from typing import Any

import matplotlib
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

PICTURES = ('.png', '.jpg', '.pdf', '.svg', '.webp')  # what matplotlib is asked to write
BLUE, INK = '#0a58a8', '#1b1f24'
STYLE: Any = {
    'text.parse_math': False,  # a `$` in an option is a `$`
    'svg.hashsalt': 'lcv_mm',  # with no date: the same records give the same page
    'font.size': 9,
    'axes.titlesize': 9,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'legend.frameon': False,
    'grid.alpha': 0.3,
}


def render_page(template: str, **values: Any) -> str:
    """A page from a template of the package, such as 'visualization/analysis.html.j2'; all text is escaped."""
    loader = PackageLoader('lcv_mm', '')
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(values)


def to_data_uri(figure: Figure) -> str:
    """A figure for an `<img>`: the picture itself."""
    stream = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(stream, format='svg', transparent=True, metadata={'Date': None})
    return f'data:image/svg+xml;base64,{base64.b64encode(stream.getvalue()).decode()}'
