"""`birdlets_sgd_40e` with 12 epochs, for many runs on a CPU."""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR, LinearLR

with read_base():
    from .birdlets_sgd_40e import *

param_scheduler = [
    dict(type=LinearLR, start_factor=0.1, by_epoch=True, end=1, convert_to_iter_based=True),
    dict(type=CosineAnnealingLR, by_epoch=True, begin=1, end=12, convert_to_iter_based=True),
]
train_cfg.update(max_epochs=12)
