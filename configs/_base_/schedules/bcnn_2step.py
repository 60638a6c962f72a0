"""BCNN in two steps, as published (HaoMood/bilinear-cnn, README): all but the backbone, then all layers."""

from mmengine.config import read_base
from mmengine.optim import MultiStepLR, MultiStepParamScheduler

from lcv_mm.engine import FreezeBackboneHook

with read_base():
    from .paper_sgd_60e import *

# Published: 55 and 25 epochs with batches of 64. Here: the base's 16, as all rows
train_cfg.update(max_epochs=80)
custom_hooks = [dict(type=FreezeBackboneHook, epochs=55)]
find_unused_parameters = True  # of several processes: the frozen backbone has no gradients to wait for

optim_wrapper.update(optimizer=dict(lr=1.0, weight_decay=1e-8))  # Published: step 1
param_scheduler = [
    # Published: x0.1 where the accuracy on the test images has stood still for 4 epochs. Here: after 3/5 and 4/5 of
    # each step, without a look at the test images. Step 2's published start, 1e-2, is where step 1 ends
    dict(type=MultiStepLR, by_epoch=True, milestones=[33, 44, 70, 75], gamma=0.1),
    # Published: 1e-5 in step 2
    dict(type=MultiStepParamScheduler, param_name='weight_decay', by_epoch=True, milestones=[55], gamma=1e-5 / 1e-8),
]
