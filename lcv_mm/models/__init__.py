"""The registered parts of a model, one a file."""

from .cbp_head import CBPHead
from .class_variance_loss import ClassVarianceLoss
from .lcv_classifier import LCVClassifier
from .residual_attention import ResidualAttention
from .vgg_layers import VGGLayers

__all__ = ['CBPHead', 'ClassVarianceLoss', 'LCVClassifier', 'ResidualAttention', 'VGGLayers']
