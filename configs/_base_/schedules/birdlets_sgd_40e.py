"""Training from scratch in minutes on a CPU. This schedule is ours; the paper starts from ImageNet weights."""

from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import TestLoop, ValLoop
from torch.optim import SGD

from lcv_mm.engine import ChannelsLastHook, ResumableTrainLoop

optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=SGD, lr=0.02, momentum=0.9, weight_decay=5e-4, nesterov=True),
    # features have unit length, so the scores are small until the classifier's weights have grown
    paramwise_cfg=dict(custom_keys={'head.fc': dict(lr_mult=50.0)}),
)
param_scheduler = [
    dict(type=LinearLR, start_factor=0.1, by_epoch=True, end=2, convert_to_iter_based=True),
    dict(type=CosineAnnealingLR, by_epoch=True, begin=2, end=40, convert_to_iter_based=True),
]

train_cfg = dict(type=ResumableTrainLoop, max_epochs=40, val_interval=4)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)
custom_hooks = [dict(type=ChannelsLastHook)]

auto_scale_lr = dict(base_batch_size=16, enable=False)
