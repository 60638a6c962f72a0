"""BCNN, ResNet-18, CUB-200-2011's 25 warblers, crops of 112, 12 epochs: for a CPU, not a row of the paper."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.warblers112 import *
    from .._base_.models.bcnn_resnet18_imagenet import *
    from .._base_.rehearsal_runtime import *
    from .._base_.schedules.paper_sgd_12e import *

model.update(head=dict(num_classes=25))
