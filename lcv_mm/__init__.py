"""lcv_mm: the class-variance loss and bilinear heads of LCV as MMPretrain components.

Importing it registers every component in MMPretrain's registries.
"""

from . import engine, gca, ops, phpq
from .datasets import CUB200, Birdlets, ClassBalancedBatchSampler, ImageFolder, OxfordFlower17, StanfordDogs
from .evaluation import ClassVarianceMetric
from .models import (
    BCNNHead,
    CBPHead,
    ClassVarianceLoss,
    HBPHead,
    LCVClassifier,
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
    'ImageFolder',
    'LCVClassifier',
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
