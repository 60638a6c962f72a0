"""CBP in two steps, as published (gy20073/compact_bilinear_pooling, ft_last_layer.solver and ft_all.solver)."""

from mmengine.config import read_base
from mmengine.optim import MultiStepLR, MultiStepParamScheduler

from lcv_mm.engine import FreezeBackboneHook

with read_base():
    from .paper_sgd_60e import *

# Published: 60k iterations with batches of 32, then 20k with 8. Here: as many epochs of CUB's 5994 images, 320 and 27,
# with the base's batches of 16
train_cfg.update(max_epochs=347)
custom_hooks = [dict(type=FreezeBackboneHook, epochs=320)]
find_unused_parameters = True  # of several processes: the frozen backbone has no gradients to wait for

optim_wrapper.update(optimizer=dict(lr=1.0, weight_decay=5e-6))  # Published: step 1
param_scheduler = [
    # Published: x0.25 at 20k, 30k, 40k and 50k iterations of step 1
    dict(type=MultiStepLR, by_epoch=True, milestones=[107, 160, 214, 267], gamma=0.25),
    # Published: 1e-3 in step 2, fixed
    dict(type=MultiStepLR, by_epoch=True, milestones=[320], gamma=1e-3 / 0.25**4),
    # Published: 5e-4 in step 2
    dict(type=MultiStepParamScheduler, param_name='weight_decay', by_epoch=True, milestones=[320], gamma=5e-4 / 5e-6),
]
