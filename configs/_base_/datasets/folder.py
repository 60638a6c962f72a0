"""A user's own images, one folder per class: `--data DIR`, or `train/` and `val/` in data/my_images."""

from mmengine.config import read_base

from lcv_mm.datasets import ImageFolder

with read_base():
    from ..loaders import *

data_preprocessor.update(num_classes=10)
train_dataloader.update(dataset=dict(type=ImageFolder, data_root='data/my_images', data_prefix='train'))
val_dataloader.update(dataset=dict(type=ImageFolder, data_root='data/my_images', data_prefix='val', test_mode=True))
val_evaluator.update(topk=(1,))  # there may be fewer than five classes
test_evaluator = val_evaluator
