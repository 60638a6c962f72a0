"""LCV on ResNet-50 with a linear classifier, FGVC Aircraft, crops of 448. Not run at full size."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.aircraft448 import *
    from .._base_.default_runtime import *
    from .._base_.lcv import *
    from .._base_.models.resnet50 import *
    from .._base_.schedules.sgd_cosine_100e import *

model.update(lcv_model | dict(neck=[lcv_model.neck, model.neck]))
model.update(head=dict(num_classes=100))
train_dataloader.update(batch_sampler=lcv_batch_sampler)
