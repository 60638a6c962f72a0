"""LCV on CBP, ResNet-50, crops of 448, for a folder of images:  lcv_mm train lcv_cbp_resnet50_448 --data DIR"""

from mmengine.config import read_base

with read_base():
    from lcv_mm.configs._base_.lcv import *
    from lcv_mm.configs.own_images.cbp_resnet50_448 import *

model.update(lcv_model)
train_dataloader.update(batch_sampler=lcv_batch_sampler)
