"""lcv_mm: the class-variance loss and bilinear heads of LCV as MMPretrain components.

Importing it registers every component in MMPretrain's registries.
"""

import contextlib
import io
import warnings
from pathlib import Path

# what the toolbox says, or prints, when it is imported, of parts that nothing here uses
with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
    warnings.filterwarnings('ignore', 'Fail to import ..MultiScaleDeformableAttention')
    import mmpretrain.datasets
    import mmpretrain.models  # noqa: F401
    from mmpretrain.apis import ModelHub

from . import engine, gca, ops, phpq
from .datasets import CUB200, Birdlets, ClassBalancedBatchSampler, ImageFolder, OxfordFlower17, StanfordDogs
from .evaluation import ClassVarianceMetric
from .models import (
    BCNNHead,
    CBPHead,
    ClassVarianceLoss,
    HBPHead,
    ISQRTCOVHead,
    LCVClassifier,
    MetricLearningLoss,
    ResidualAttention,
    ResizeLevels,
    ResNetLayers,
    VGGLayers,
)

INDEX = Path(__file__).parent / 'configs/model-index.yml'
if not ModelHub.has('lcv_cbp_vgg16_cub448'):  # on a reload
    ModelHub.register_model_index(INDEX, config_prefix=INDEX.parent)

__all__ = [
    'CUB200',
    'BCNNHead',
    'Birdlets',
    'CBPHead',
    'ClassBalancedBatchSampler',
    'ClassVarianceLoss',
    'ClassVarianceMetric',
    'HBPHead',
    'ISQRTCOVHead',
    'ImageFolder',
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
