"""lcv_mm: the class-variance loss and bilinear heads of LCV as MMPretrain components.

Importing it registers every component in MMPretrain's registries.
"""

from . import engine, gca, ops, phpq
from .datasets import CUB200, Birdlets, ClassBalancedBatchSampler, OxfordFlower17, StanfordDogs
from .evaluation import ClassVarianceMetric
from .models import (
    BCNNHead,
    CBPHead,
    ClassVarianceLoss,
    HBPHead,
    LCVClassifier,
    MetricLearningLoss,
    ResidualAttention,
    ResizeLevels,
    ResNetLayers,
    VGGLayers,
)

__all__ = [
    'CUB200',
    'BCNNHead',
    'Birdlets',
    'CBPHead',
    'ClassBalancedBatchSampler',
    'ClassVarianceLoss',
    'ClassVarianceMetric',
    'HBPHead',
    'LCVClassifier',
    'MetricLearningLoss',
    'OxfordFlower17',
    'ResNetLayers',
    'ResidualAttention',
    'ResizeLevels',
    'StanfordDogs',
    'VGGLayers',
    'engine',
    'gca',
    'ops',
    'phpq',
]
