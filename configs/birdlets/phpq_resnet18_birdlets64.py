"""A PHPQ-like model, ResNet-18 from scratch, Birdlets at 64 (generated images): a rehearsal, not a row of the paper."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.birdlets64 import *
    from .._base_.models.phpq_resnet18 import *
    from .._base_.rehearsal_runtime import *
    from .._base_.retrieval import *
    from .._base_.schedules.birdlets_sgd_12e import *

model.update(backbone=dict(init_cfg=None, strides=(1, 2, 2, 1)), head=dict(num_classes=20))
default_hooks.update(database=database_hook)
optim_wrapper.pop('paramwise_cfg')  # its cosines have a scale
