"""LCV on HBP, ResNet-18, Oxford-Flower-17, crops of 224.

Table 4; the paper's top-1 accuracy: 90.15 % (from the running text).
"""

from mmengine.config import read_base

with read_base():
    from ._base_.lcv import *
    from .hbp_resnet18_flower224 import *

model.update(lcv_model)
train_dataloader.update(batch_sampler=lcv_batch_sampler)
