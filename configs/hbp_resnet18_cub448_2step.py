"""HBP, ResNet-18, CUB-200-2011, crops of 448, in two steps. Not a row of the paper."""

from mmengine.config import read_base

with read_base():
    from .hbp_resnet18_cub448 import *
    from ._base_.schedules.hbp_2step import *  # last: it replaces the row's schedule
