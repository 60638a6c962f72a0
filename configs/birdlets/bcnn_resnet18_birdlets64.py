"""BCNN, ResNet-18 from scratch, Birdlets at 64 (generated images): part of the rehearsal, not a row of the paper."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.birdlets64 import *
    from .._base_.models.bcnn_resnet18 import *
    from .._base_.rehearsal_runtime import *
    from .._base_.schedules.birdlets_sgd_12e import *

model.update(head=dict(num_classes=20))
