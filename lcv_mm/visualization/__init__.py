"""What a run has logged, and pictures of it: learning curves and attention maps."""

from .attention_maps import draw_attention_maps, predict_with_attention
from .curves import Curve, draw_curves, last_epoch, read_curves, read_scalars

__all__ = [
    'Curve',
    'draw_attention_maps',
    'draw_curves',
    'last_epoch',
    'predict_with_attention',
    'read_curves',
    'read_scalars',
]
