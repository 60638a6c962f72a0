"""BCNN, VGG-16, CUB-200-2011, crops of 224. Table 2; the paper's top-1 accuracy: 70.34 %."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.cub224 import *
    from ._base_.default_runtime import *
    from ._base_.models.bcnn_vgg16 import *
    from ._base_.schedules.paper_sgd_60e import *

model.update(head=dict(num_classes=200))
