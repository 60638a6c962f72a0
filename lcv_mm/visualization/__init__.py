"""Learning curves, attention maps, and a page that analyses predictions.

Import the module of that page by name, `lcv_mm.visualization.analysis`: it needs scikit-learn, which loads slowly.
"""

# ruff: noqa: F401 (the names that the package offers)
from .attention_maps import attention_title, draw_attention_maps, predict_with_attention
from .curves import BLUE, INK, STYLE, draw_curves, read_curves, read_scalars
