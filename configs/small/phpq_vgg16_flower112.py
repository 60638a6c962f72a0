"""A PHPQ-like model, VGG-16 (frozen), Oxford-Flower-17, crops of 112, 4 epochs: for a CPU, not a row of the paper."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.flower112 import *
    from .._base_.models.phpq_vgg16_frozen import *
    from .._base_.rehearsal_runtime import *
    from .._base_.retrieval import *
    from .._base_.schedules.paper_as_written_60e import *
model.update(head=dict(num_classes=17))
default_hooks.update(database=database_hook)
train_cfg.update(max_epochs=4)
param_scheduler.update(step_size=3)
