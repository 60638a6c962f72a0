"""LCV on BCNN, ResNet-18 from scratch, Birdlets at 64 (generated): part of the rehearsal, not a row of the paper."""

from mmengine.config import read_base

with read_base():
    from .._base_.lcv import *
    from .bcnn_resnet18_birdlets64 import *

model.update(lcv_model)
train_dataloader.update(batch_sampler=lcv_batch_sampler)
