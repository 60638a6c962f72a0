"""Pictures that take their colours from the page they stand in."""

import html
import io
import re
from typing import Any

import matplotlib
from matplotlib.figure import Figure

# Stand-ins that matplotlib can draw with, and what the page puts in their place: `currentColor` is the colour of its
# text, the variables are set by its style sheet for light and for dark.
INK = '#010203'
BASELINE = '#010204'
LCV = '#010205'
PAGE = '#010206'
_COLOURS = {INK: 'currentColor', BASELINE: 'var(--baseline)', LCV: 'var(--lcv)', PAGE: 'var(--page)'}

STYLE: dict[Any, Any] = {
    'svg.fonttype': 'none',  # text stays text: read aloud, found and set in the page's font
    'text.parse_math': False,  # a `$` in an option is a `$`
    'font.size': 9,
    'axes.titlesize': 9,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'legend.frameon': False,
    'grid.alpha': 0.2,
} | dict.fromkeys(
    ('text.color', 'axes.labelcolor', 'axes.edgecolor', 'xtick.color', 'ytick.color', 'grid.color'),
    INK,
)


def inline_svg(figure: Figure, name: str, label: str) -> str:
    """An `<svg>` element to be put into a page.

    Args:
        figure (Figure): Drawn with the colours of this module, under `STYLE`.
        name (str): Unique on the page; all ids begin with it.
        label (str): What the picture shows, for those who can't see it.
    """
    stream = io.StringIO()
    # no date and no random ids: the same records give the same page
    metadata = dict.fromkeys(('Date', 'Creator', 'Format', 'Type'))
    with matplotlib.rc_context(STYLE | {'svg.hashsalt': name}):
        figure.savefig(stream, format='svg', transparent=True, metadata=metadata)
    text = stream.getvalue()
    text = text[text.index('<svg') :]
    text = re.sub(r'<style.*?</style>', '', text, flags=re.DOTALL)  # it would hold for the whole page
    text = re.sub(r'(\bid="|url\(#|href="#)', rf'\g<1>{name}-', text)
    for stand_in, colour in _COLOURS.items():
        text = text.replace(stand_in, colour)
    # the size is the page's to choose; the view box keeps the proportions
    head, rest = text.split('>', 1)
    head = re.sub(r' (width|height)="[^"]*"', '', head)
    return f'{head} role="img" aria-label="{html.escape(label)}">{rest}'
