"""LCV on CBP, ViT-B/14 of DINOv2, CUB-200-2011, crops of 448. Not run at full size."""

from mmengine.config import read_base

with read_base():
    from .._base_.cbp_head import *
    from .._base_.lcv import *
    from .dinov2_vitb14_cub448 import *

model.update(lcv_model)
model.head = dict(cbp_head, in_channels=model.head.in_channels, num_classes=model.head.num_classes)
train_dataloader.update(batch_sampler=lcv_batch_sampler)
optim_wrapper.update(paramwise_cfg=cbp_paramwise)
