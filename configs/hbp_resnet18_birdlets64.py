"""HBP, ResNet-18 from scratch, Birdlets at 64 (generated images): of the rehearsal, not a row of the paper."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.birdlets64 import *
    from ._base_.models.hbp_resnet18 import *
    from ._base_.rehearsal_runtime import *
    from ._base_.schedules.birdlets_sgd_12e import *

# from scratch, for small images: the last stage keeps its resolution. 8192 dimensions would cost a CPU more than the
# backbone does
model.update(backbone=dict(init_cfg=None, strides=(1, 2, 2, 1)), head=dict(num_classes=20, proj_dim=2048))
