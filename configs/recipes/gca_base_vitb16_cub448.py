"""The base stage of gca_vitb16_cub448 (docs/quoted.md), crops of 224: DINO's ViT-B/16, category discovery.

Vaze et al., CVPR 2022. Not a row of the paper.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.discovery_runtime import *
    from .._base_.models.gca_base_vitb16 import *
    from .._base_.schedules.gca_base_sgd_200e import *
