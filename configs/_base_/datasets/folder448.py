"""Images of a user's own at 448: one folder per class in `train/` and in `val/` of the leaf's `data_root`."""

from mmengine.config import read_base

from lcv_mm.datasets import ImageFolder

with read_base():
    from ..loaders import *
    from ..pipelines.crop448 import *

train_dataloader.update(dataset=dict(type=ImageFolder, data_prefix='train', pipeline=train_pipeline))
val_dataloader.update(dataset=dict(type=ImageFolder, data_prefix='val', test_mode=True, pipeline=test_pipeline))
val_evaluator.update(topk=(1,))  # there may be fewer than five classes
