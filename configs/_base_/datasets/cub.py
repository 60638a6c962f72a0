"""CUB-200-2011: 5994 training and 5794 test images of 200 birds."""

from mmengine.config import read_base

from lcv_mm.datasets import CUB200

with read_base():
    from ..loaders import *

data_preprocessor.update(num_classes=200)
train_dataloader.update(dataset=dict(type=CUB200, data_root='data/CUB_200_2011', split='train'))
val_dataloader.update(dataset=dict(type=CUB200, data_root='data/CUB_200_2011', split='test'))
