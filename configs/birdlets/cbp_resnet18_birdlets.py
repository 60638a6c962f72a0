"""CBP, ResNet-18 from scratch, Birdlets (generated images). Not a row of the paper."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.birdlets112 import *
    from .._base_.default_runtime import *
    from .._base_.models.cbp_resnet18 import *
    from .._base_.schedules.birdlets_sgd_40e import *

model.update(head=dict(num_classes=20))
