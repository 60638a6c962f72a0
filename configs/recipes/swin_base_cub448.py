"""Swin-B with a linear classifier, CUB-200-2011, crops of 448.

The most common window-based transformer in fine-grained papers. Not run at full size.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.cub448 import *
    from .._base_.default_runtime import *
    from .._base_.models.swin_base import *
    from .._base_.schedules.adamw_cosine_50e import *

model.update(head=dict(num_classes=200))
