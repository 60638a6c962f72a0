"""Ablation of LCV on CBP: inter-class term -d. Birdlets at 64 (generated images)."""

from mmengine.config import read_base

with read_base():
    from ..lcv_cbp_resnet18_birdlets64 import *

model.update(variance_loss=dict(inter='negative'))
