"""lcv_mm: the class-variance loss and bilinear heads of LCV as MMPretrain components.

Importing lcv_mm registers all components in MMPretrain's registries. Without MMPretrain, `ops`, `ClassVarianceLoss`
and `ClassBalancedBatchSampler` are available; they need only torch and numpy.
"""

# ruff: noqa: F401 (the names that the package offers)
import contextlib
import io
import warnings
from pathlib import Path

from . import ops
from .class_balanced_batch_sampler import ClassBalancedBatchSampler
from .class_variance_loss import ClassVarianceLoss

_missing: ImportError | None = None
try:
    # hide what MMPretrain warns or prints on import about parts that are not used here
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.filterwarnings('ignore', 'Fail to import ..MultiScaleDeformableAttention')
        import mmpretrain.datasets
        import mmpretrain.models
        from mmpretrain.apis import ModelHub
except ImportError as error:
    _missing = error
else:
    from . import engine, gca, phpq
    from .datasets import CUB200, Birdlets, ImageFolder, OxfordFlower17, StanfordDogs
    from .engine import ClassVarianceMetric
    from .models import (
        BCNNHead,
        CBPHead,
        HBPHead,
        ISQRTCOVHead,
        LCVClassifier,
        MetricLearningLoss,
        ResidualAttention,
        ResizeLevels,
        ResNetLayers,
        VGGLayers,
    )

    _index = Path(__file__).parent / 'configs/model-index.yml'
    # skipped on a reload, and in a checkout that is not installed, which has no link to configs/
    if _index.exists() and not ModelHub.has('lcv_cbp_vgg16_cub448'):
        ModelHub.register_model_index(_index, config_prefix=_index.parent)


def __getattr__(name: str) -> object:
    """Explain why a component is missing."""
    if _missing and not name.startswith('_'):
        raise ImportError(f'lcv_mm.{name} needs MMPretrain, which cannot be imported: {_missing}') from _missing
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
