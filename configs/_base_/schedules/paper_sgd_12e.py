"""The paper's recipe in 12 epochs, for CPUs: the learning rate drops after the 10th."""

from mmengine.config import read_base
from mmengine.optim import MultiStepLR

from lcv_mm.engine import ChannelsLastHook

with read_base():
    from .paper_sgd_60e import *

param_scheduler = dict(type=MultiStepLR, by_epoch=True, milestones=[10], gamma=0.1)
train_cfg.update(max_epochs=12, val_interval=6)
custom_hooks = [dict(type=ChannelsLastHook)]
