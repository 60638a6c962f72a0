"""LCV on CBP, VGG-16, Oxford-Flower-17, crops of 224.

Table 4; the paper's top-1 accuracy: 91.03 %, the best of the table.
"""

from mmengine.config import read_base

with read_base():
    from ._base_.lcv import *
    from .cbp_vgg16_flower224 import *

model.update(lcv_model)
train_dataloader.update(batch_sampler=lcv_batch_sampler)
