"""The PHPQ-like model on the last level alone, its projection as wide as the three together."""

from mmengine.config import read_base

with read_base():
    from ..birdlets.phpq_resnet18_birdlets64 import *

model.update(backbone=dict(out_layers=('layer4.1',)), neck=dict(in_channels=(512,), out_channels=768))
