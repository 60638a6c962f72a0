"""Ablation of LCV on CBP: weights 0.01 and 0.01. Birdlets at 64 (generated images)."""

from mmengine.config import read_base

with read_base():
    from ..lcv_cbp_resnet18_birdlets64 import *

model.update(variance_loss=dict(weight_inter=0.01, weight_intra=0.01))
