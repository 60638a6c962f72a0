"""Ablation of LCV on CBP: the intra-class term alone. Birdlets at 64 (generated images)."""

from mmengine.config import read_base

with read_base():
    from ..lcv_cbp_resnet18_birdlets64 import *

model.update(variance_loss=dict(weight_inter=0.0))
