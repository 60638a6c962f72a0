"""The PHPQ-like model, VGG-16 (frozen), flowers at 112, on the last level alone: see the ablation on Birdlets."""

from mmengine.config import read_base

with read_base():
    from .phpq_vgg16_flower112 import *

model.update(backbone=dict(out_layers=('relu5_3',)), neck=dict(in_channels=(512,), out_channels=768))
