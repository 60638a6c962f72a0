"""LCV on CBP, VGG-16, CUB-200-2011, crops of 448, in two steps. Not a row of the paper."""

from mmengine.config import read_base

with read_base():
    from .lcv_cbp_vgg16_cub448 import *
    from ._base_.schedules.cbp_2step import *  # last: it replaces the row's schedule
