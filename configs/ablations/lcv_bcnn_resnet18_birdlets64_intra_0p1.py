"""Ablation of LCV on BCNN: weights 1 (inter) and 0.1 (intra). Birdlets at 64 (generated images)."""

from mmengine.config import read_base

with read_base():
    from ..lcv_bcnn_resnet18_birdlets64 import *

model.update(variance_loss=dict(weight_intra=0.1))
