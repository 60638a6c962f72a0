"""The base stage's schedule, as published (Vaze et al., CVPR 2022): SGD, 200 epochs, no validation."""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from torch.optim import SGD

from lcv_mm.engine import ResumableTrainLoop

with read_base():
    from ..datasets.cub_discovery224 import *

train_dataloader.update(batch_size=128)
# nothing is clustered yet
val_dataloader = None
test_dataloader = None
val_evaluator = None
test_evaluator = None
val_cfg = None
test_cfg = None

optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=SGD, lr=0.1, momentum=0.9, weight_decay=5e-5))
param_scheduler = dict(type=CosineAnnealingLR, by_epoch=True, T_max=200, eta_min=1e-4)
train_cfg = dict(type=ResumableTrainLoop, max_epochs=200)
