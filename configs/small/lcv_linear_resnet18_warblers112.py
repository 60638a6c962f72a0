"""LCV on a linear classifier, ResNet-18, CUB's 25 warblers, crops of 112, 12 epochs: not a row of the paper.

The loss compares the averaged features, which are all that the head gets.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.lcv import *
    from .linear_resnet18_warblers112 import *

model.update(lcv_model | dict(neck=[lcv_model.neck, model.neck]))
train_dataloader.update(batch_sampler=lcv_batch_sampler)
