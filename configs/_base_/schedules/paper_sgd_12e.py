"""The recipe of the rows in 12 epochs, for CPUs: 4 of step 1, 6 at lr 0.01, 2 at lr 0.001."""

from mmengine.config import read_base

from lcv_mm.engine import ChannelsLastHook

with read_base():
    from .paper_sgd_60e import *

param_scheduler[1].update(milestones=[10])
train_cfg.update(max_epochs=12, val_interval=12)
custom_hooks.append(dict(type=ChannelsLastHook))
