"""HBP, ResNet-18, CUB-200-2011, crops of 448. Table 1; the paper's top-1 accuracy: 72.95 %."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.cub448 import *
    from ._base_.default_runtime import *
    from ._base_.models.hbp_resnet18 import *
    from ._base_.schedules.paper_sgd_60e import *

model.update(head=dict(num_classes=200))
