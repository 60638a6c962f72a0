"""lcv_mm: the class-variance loss and bilinear heads of LCV as MMPretrain components.

Importing it registers every component in MMPretrain's registries.
"""

import warnings
from importlib.metadata import distribution, packages_distributions

from . import engine, ops
from .datasets import CUB200, Birdlets, ClassBalancedBatchSampler, OxfordFlower17, StanfordDogs
from .models import (
    BCNNHead,
    CBPHead,
    ClassVarianceLoss,
    HBPHead,
    LCVClassifier,
    ResidualAttention,
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
    'HBPHead',
    'LCVClassifier',
    'OxfordFlower17',
    'ResNetLayers',
    'ResidualAttention',
    'StanfordDogs',
    'VGGLayers',
    'engine',
    'ops',
]


def warn_of_overwritten_toolbox() -> None:
    """Warn where the official and the maintained release of a toolbox package were installed over each other.

    They have the same files: the second overwrites the first without a word, and to uninstall either deletes both.
    """
    owners = packages_distributions()
    for package in ('mmengine', 'mmcv', 'mmpretrain'):
        folders: dict[str, list[str]] = {}
        for name in sorted(set(owners.get(package, []))):
            folders.setdefault(str(distribution(name).locate_file('')), []).append(name)
        for names in folders.values():
            if len(names) > 1:
                warnings.warn(
                    f"{' and '.join(names)} are both installed and overwrite each other's files of `{package}`: "
                    f'uninstall both, then install the one you want (pip uninstall -y {" ".join(names)})',
                    stacklevel=3,
                )


warn_of_overwritten_toolbox()
