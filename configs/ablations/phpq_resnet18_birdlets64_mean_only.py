"""The PHPQ-like model without the maximum."""

from mmengine.config import read_base

with read_base():
    from ..birdlets.phpq_resnet18_birdlets64 import *

model.update(neck=dict(maximum=False))
