"""Ablation of LCV on CBP: distances of features as they are, not of unit length. Birdlets at 64 (generated images)."""

from mmengine.config import read_base

with read_base():
    from ..lcv_cbp_resnet18_birdlets64 import *

model.update(variance_loss=dict(normalize=False))
