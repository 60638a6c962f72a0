"""The schedule of the rows with a tenth of its rate for the backbone: 0.001, as in the published code of CBP and HBP.

It needs no clipping and was more accurate than the rows' on real images (docs/training.md).
"""

from mmengine.config import read_base

with read_base():
    from .paper_sgd_60e import *

optim_wrapper.pop('clip_grad')
optim_wrapper.update(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))))
