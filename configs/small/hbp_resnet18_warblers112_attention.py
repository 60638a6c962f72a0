"""The attention of `lcv_hbp_resnet18_warblers112` without its loss, on shuffled batches."""

from mmengine.config import read_base

with read_base():
    from .._base_.lcv import *
    from .hbp_resnet18_warblers112 import *

model.update(neck=lcv_model.neck)
