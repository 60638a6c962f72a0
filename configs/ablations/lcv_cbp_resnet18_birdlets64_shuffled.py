"""Ablation of LCV on CBP: shuffled batches. Birdlets at 64 (generated images)."""

from mmengine.config import read_base

with read_base():
    from ..birdlets.lcv_cbp_resnet18_birdlets64 import *

train_dataloader.update(batch_sampler=None)
