"""HBP, ResNet-18 from scratch, Birdlets at 64 (generated images): part of the rehearsal, not a row of the paper."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.birdlets64 import *
    from .._base_.models.hbp_resnet18 import *
    from .._base_.rehearsal_runtime import *
    from .._base_.schedules.birdlets_sgd_12e import *

# from scratch, for small images: the last stage keeps its resolution. Projections to the base's 8192 dimensions take
# 19 GFLOP a step of 16 images, the whole backbone 24
model.update(backbone=dict(init_cfg=None, strides=(1, 2, 2, 1)), head=dict(num_classes=20, proj_dim=2048))
