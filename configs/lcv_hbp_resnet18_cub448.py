"""LCV on HBP, ResNet-18, CUB-200-2011, crops of 448. Table 1; the paper's top-1 accuracy: 74.28 %."""

from mmengine.config import read_base

with read_base():
    from ._base_.lcv import *
    from .hbp_resnet18_cub448 import *

model.update(lcv_model)
train_dataloader.update(batch_sampler=lcv_batch_sampler)
