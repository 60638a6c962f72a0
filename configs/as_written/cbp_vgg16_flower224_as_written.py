"""CBP, VGG-16, Oxford-Flower-17, crops of 224: a row of Table 4 with the paper's schedule as written."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.flower224 import *
    from .._base_.default_runtime import *
    from .._base_.models.cbp_vgg16 import *
    from .._base_.schedules.paper_as_written_60e import *

model.update(head=dict(num_classes=17))
