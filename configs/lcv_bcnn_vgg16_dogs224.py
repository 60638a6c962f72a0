"""LCV on BCNN, VGG-16, Stanford Dogs, crops of 224. Table 3; the paper's top-1 accuracy: 62.03 %."""

from mmengine.config import read_base

with read_base():
    from ._base_.lcv import *
    from .bcnn_vgg16_dogs224 import *

model.update(lcv_model)
train_dataloader.update(batch_sampler=lcv_batch_sampler)
