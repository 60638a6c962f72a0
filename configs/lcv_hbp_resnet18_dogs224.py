"""LCV on HBP, ResNet-18, Stanford Dogs, crops of 224. Table 3; the paper's top-1 accuracy: 80.01 %."""

from mmengine.config import read_base

with read_base():
    from ._base_.lcv import *
    from .hbp_resnet18_dogs224 import *

model.update(lcv_model)
train_dataloader.update(batch_sampler=lcv_batch_sampler)
