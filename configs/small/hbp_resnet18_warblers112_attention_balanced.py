"""The attention and the class-balanced batches of `lcv_hbp_resnet18_warblers112` without its loss."""

from mmengine.config import read_base

with read_base():
    from .._base_.lcv import *
    from .hbp_resnet18_warblers112 import *

model.update(neck=lcv_model.neck)
train_dataloader.update(batch_sampler=lcv_batch_sampler)
