"""Pictures of a run: learning curves and attention maps."""

from .attention_maps import draw_attention_maps
from .curves import draw_curves, read_curves

__all__ = ['draw_attention_maps', 'draw_curves', 'read_curves']
