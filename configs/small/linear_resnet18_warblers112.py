"""A linear classifier, ResNet-18, CUB's 25 warblers, crops of 112, 12 epochs: for a CPU, not a row of the paper."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.warblers112 import *
    from .._base_.models.linear_resnet18_imagenet import *
    from .._base_.rehearsal_runtime import *
    from .._base_.schedules.linear_sgd_12e import *

model.update(head=dict(num_classes=25))
