"""The base stage's schedule and batches, as published (Vaze et al., CVPR 2022): SGD, 200 epochs, no validation."""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmpretrain.datasets import LoadImageFromFile, PackInputs, RandomCrop, RandomFlip, ResizeEdge
from torch.optim import SGD

from lcv_mm.engine import ResumableTrainLoop
from lcv_mm.gca import LabelBalancedSampler

with read_base():
    from ..datasets.cub_discovery224 import *

train_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=ResizeEdge, scale=256, edge='short', interpolation='bicubic'),
    dict(type=RandomCrop, crop_size=224),
    dict(type=RandomFlip, prob=0.5, direction='horizontal'),
    # Published: then `ColorJitter()`, whose strengths default to 0. Here: omitted, since it has no effect
    dict(type=PackInputs),
]
train_dataloader.update(
    batch_size=128,
    sampler=dict(type=LabelBalancedSampler),
    dataset=dict(dataset=dict(pipeline=train_pipeline)),
)
# no validation and test: there are no clusters yet
val_dataloader = None
test_dataloader = None
val_evaluator = None
test_evaluator = None
val_cfg = None
test_cfg = None

optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=SGD, lr=0.1, momentum=0.9, weight_decay=5e-5))
param_scheduler = dict(type=CosineAnnealingLR, by_epoch=True, T_max=200, eta_min=1e-4)
train_cfg = dict(type=ResumableTrainLoop, max_epochs=200)
