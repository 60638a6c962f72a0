"""SGD for a pretrained convolutional network: MMPretrain's schedule for CUB (`cub_bs64`), adapted to batches of 16."""

from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import TestLoop, ValLoop
from torch.optim import SGD

from lcv_mm.engine import ResumableTrainLoop

optim_wrapper = dict(
    type=OptimWrapper,
    # `cub_bs64` has 0.01 for batches of 64
    optimizer=dict(type=SGD, lr=0.0025, momentum=0.9, weight_decay=5e-4, nesterov=True),
    paramwise_cfg=dict(custom_keys={'head': dict(lr_mult=10.0)}),  # ours: a new classifier on pretrained features
)
param_scheduler = [
    dict(type=LinearLR, start_factor=0.01, by_epoch=True, end=5, convert_to_iter_based=True),
    dict(type=CosineAnnealingLR, by_epoch=True, begin=5, end=100, convert_to_iter_based=True),
]

train_cfg = dict(type=ResumableTrainLoop, max_epochs=100, val_interval=1)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

auto_scale_lr = dict(base_batch_size=16, enable=False)
