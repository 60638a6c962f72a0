"""Ablation of LCV on CBP: no attention; the loss on the features of the backbone. Birdlets at 64 (generated images)."""

from mmengine.config import read_base

with read_base():
    from ..lcv_cbp_resnet18_birdlets64 import *

model.update(neck=None)
