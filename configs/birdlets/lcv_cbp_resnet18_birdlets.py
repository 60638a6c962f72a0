"""LCV on CBP, ResNet-18 from scratch, Birdlets (generated images). Not a row of the paper."""

from mmengine.config import read_base

with read_base():
    from .._base_.lcv import *
    from .cbp_resnet18_birdlets import *

model.update(lcv_model)
train_dataloader.update(batch_sampler=lcv_batch_sampler)
