"""The paper's schedule (Sec. 4.1) as written: one stage, lr 0.01 for everything, no step for the classifier."""

from mmengine.config import read_base
from mmengine.optim import StepLR

with read_base():
    from .paper_sgd_60e import *

optim_wrapper.pop('clip_grad')
optim_wrapper.update(optimizer=dict(lr=0.01))
custom_hooks = []
find_unused_parameters = False
param_scheduler = dict(type=StepLR, by_epoch=True, step_size=20, gamma=0.1)
