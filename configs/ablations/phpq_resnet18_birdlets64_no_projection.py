"""The PHPQ-like model without the linear layers of its levels."""

from mmengine.config import read_base

with read_base():
    from ..birdlets.phpq_resnet18_birdlets64 import *

model.update(neck=dict(out_channels=None), head=dict(in_channels=1792))
