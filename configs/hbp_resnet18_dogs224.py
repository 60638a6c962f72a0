"""HBP, ResNet-18, Stanford Dogs, crops of 224. Table 3; the paper's top-1 accuracy: 77.55 %."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.dogs224 import *
    from ._base_.default_runtime import *
    from ._base_.models.hbp_resnet18 import *
    from ._base_.schedules.paper_sgd_60e import *

model.update(head=dict(num_classes=120))
