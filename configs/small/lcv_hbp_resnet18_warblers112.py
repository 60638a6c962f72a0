"""LCV on HBP, ResNet-18, CUB-200-2011's 25 warblers, crops of 112, 12 epochs: for a CPU, not a row of the paper."""

from mmengine.config import read_base

with read_base():
    from .._base_.lcv import *
    from .hbp_resnet18_warblers112 import *

model.update(lcv_model)
train_dataloader.update(batch_sampler=lcv_batch_sampler)
