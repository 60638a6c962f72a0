"""How the pictures look."""

from typing import Any

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
