"""LCV on CBP, VGG-16, Oxford-Flower-17, crops of 224: a row of Table 4 with the paper's schedule as written."""

from mmengine.config import read_base

with read_base():
    from .._base_.lcv import *
    from .cbp_vgg16_flower224_as_written import *

model.update(lcv_model)
train_dataloader.update(batch_sampler=lcv_batch_sampler)
