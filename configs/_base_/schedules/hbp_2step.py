"""HBP in two steps, as published (ChaojianYu/Hierarchical-Bilinear-Pooling, ft_last_layer.solver and ft_all.solver).

Published for VGG-16. Here: for ResNet-18 too.
"""

from mmengine.config import read_base
from mmengine.optim import MultiStepLR, MultiStepParamScheduler

from lcv_mm.engine import FreezeBackboneHook

with read_base():
    from .paper_sgd_60e import *

# Published: 60k iterations with batches of 48 (12 x 4), then 200k with 16 (8 x 2). Here: as many epochs of CUB's 5994
# images, 480 and 534, with the base's batches of 16
train_cfg.update(max_epochs=1014)
custom_hooks = [dict(type=FreezeBackboneHook, epochs=480)]
find_unused_parameters = True  # of several processes: the frozen backbone has no gradients to wait for

# Published: step 1, for the projections too. In step 2 twice the rate and decay for biases; here: as for weights
optim_wrapper.update(optimizer=dict(lr=1.0, weight_decay=5e-6))
param_scheduler = [
    # Published: x0.25 at 20k, 30k, 40k and 50k iterations of step 1
    dict(type=MultiStepLR, by_epoch=True, milestones=[160, 240, 320, 400], gamma=0.25),
    # Published: 1e-3 in step 2
    dict(type=MultiStepLR, by_epoch=True, milestones=[480], gamma=1e-3 / 0.25**4),
    # Published: x0.5 at 50k iterations of step 2, 133 epochs
    dict(type=MultiStepLR, by_epoch=True, milestones=[613], gamma=0.5),
    # Published: 5e-4 in step 2
    dict(type=MultiStepParamScheduler, param_name='weight_decay', by_epoch=True, milestones=[480], gamma=5e-4 / 5e-6),
]
