"""The registered parts of a model, one per file."""

# ruff: noqa: F401 (the names that the package offers)
from mmpretrain.registry import MODELS

from ..class_variance_loss import ClassVarianceLoss
from .bcnn_head import BCNNHead
from .cbp_head import CBPHead
from .hbp_head import HBPHead
from .isqrt_cov_head import ISQRTCOVHead
from .lcv_classifier import LCVClassifier
from .metric_learning_loss import MetricLearningLoss
from .necks import ResidualAttention, ResizeLevels
from .resnet_layers import ResNetLayers
from .vgg_layers import VGGLayers

MODELS.register_module(module=ClassVarianceLoss)  # registered here because the loss itself needs only torch
