"""lcv_mm: the class-variance loss and bilinear heads of LCV as MMPretrain components.

Importing it registers every component in MMPretrain's registries.
"""

from . import ops
from .datasets import ClassBalancedBatchSampler
from .models import CBPHead, ClassVarianceLoss, LCVClassifier, ResidualAttention, VGGLayers

__all__ = [
    'CBPHead',
    'ClassBalancedBatchSampler',
    'ClassVarianceLoss',
    'LCVClassifier',
    'ResidualAttention',
    'VGGLayers',
    'ops',
]
