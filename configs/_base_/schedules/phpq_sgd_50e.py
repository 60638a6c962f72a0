"""PHPQ's schedule is not known. Here: that of MeCoQ (Wang et al., 2022), a related method by two of its authors.

Two numbers come from FPH's protocol, which is for the same datasets. MeCoQ's factor of 1e-3 for the backbone has no
effect in its code: the backbone is frozen, and the scheduler sets one rate for all groups. Its weight decay differs by
dataset.
"""

from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import TestLoop, ValLoop
from torch.optim import SGD

from lcv_mm.engine import ResumableTrainLoop

optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=SGD, lr=0.01, momentum=0.9, weight_decay=5e-4),  # weight decay: FPH's protocol
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)}),  # FPH's protocol: 1e-3
)
param_scheduler = [  # one epoch of warm-up from 1e-5, then a cosine to 1e-5
    dict(type=LinearLR, start_factor=1e-3, by_epoch=True, end=1, convert_to_iter_based=True),
    dict(type=CosineAnnealingLR, by_epoch=True, begin=1, end=50, eta_min=1e-5, convert_to_iter_based=True),
]

train_cfg = dict(type=ResumableTrainLoop, max_epochs=50, val_interval=1)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

auto_scale_lr = dict(base_batch_size=128, enable=False)  # the batch size of these rates
