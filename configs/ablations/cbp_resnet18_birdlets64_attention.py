"""Ablation of LCV on CBP: the attention alone. Birdlets at 64 (generated images)."""

from mmengine.config import read_base

with read_base():
    from .._base_.lcv import *
    from ..birdlets.cbp_resnet18_birdlets64 import *

model.update(neck=lcv_model.neck)
