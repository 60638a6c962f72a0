"""ResNet-50 with a linear classifier, CUB-200-2011, crops of 448.

The common baseline, with MMPretrain's own recipe for CUB. Not run at full size.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.cub448 import *
    from .._base_.default_runtime import *
    from .._base_.models.resnet50 import *
    from .._base_.schedules.sgd_cosine_100e import *

model.update(head=dict(num_classes=200))
