"""Birdlets at 112: 800 training and 400 test images of 20 synthetic birds, generated on first use in CUB's layout."""

from mmengine.config import read_base
from mmpretrain.datasets import CenterCrop, LoadImageFromFile, PackInputs, RandomCrop, RandomFlip, ResizeEdge

from lcv_mm.datasets import Birdlets

with read_base():
    from ..loaders import *

train_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=ResizeEdge, scale=128, edge='short'),
    dict(type=RandomCrop, crop_size=112),
    dict(type=RandomFlip, prob=0.5, direction='horizontal'),
    dict(type=PackInputs),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),  # the name that MMPretrain's inferencer looks for
    dict(type=ResizeEdge, scale=128, edge='short'),
    dict(type=CenterCrop, crop_size=112),
    dict(type=PackInputs),
]

data_preprocessor.update(num_classes=20)
# the images are small: one worker is enough for training on two CPU cores
train_dataloader.update(
    num_workers=1,
    pin_memory=False,
    dataset=dict(type=Birdlets, data_root='data/birdlets', split='train', pipeline=train_pipeline),
)
val_dataloader.update(
    batch_size=50,
    num_workers=1,
    pin_memory=False,
    dataset=dict(type=Birdlets, data_root='data/birdlets', split='test', pipeline=test_pipeline),
)
test_dataloader = val_dataloader
