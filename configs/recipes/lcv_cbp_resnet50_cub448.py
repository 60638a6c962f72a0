"""LCV on CBP, ResNet-50, CUB-200-2011, crops of 448, with the recipe of the paper's rows. Not run at full size."""

from mmengine.config import read_base

with read_base():
    from .._base_.cbp_head import *
    from .._base_.lcv import *
    from .resnet50_cub448 import *
    from .._base_.schedules.paper_sgd_60e import *  # isort: skip

model.update(lcv_model)
model.head = dict(cbp_head, in_channels=model.head.in_channels, num_classes=model.head.num_classes)
train_dataloader.update(batch_sampler=lcv_batch_sampler)
