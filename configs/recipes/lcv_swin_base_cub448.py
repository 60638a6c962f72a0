"""LCV on Swin-B with a linear classifier, CUB-200-2011, crops of 448. Not run at full size."""

from mmengine.config import read_base

with read_base():
    from .._base_.lcv import *
    from .swin_base_cub448 import *

model.update(lcv_model | dict(neck=[lcv_model.neck, model.neck]))
train_dataloader.update(batch_sampler=lcv_batch_sampler)
