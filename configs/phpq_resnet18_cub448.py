"""PHPQ, ResNet-18, CUB-200-2011, crops of 448. Table 1; the paper's number, inferred to be retrieval mAP: 74.13 %."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.cub448 import *
    from ._base_.default_runtime import *
    from ._base_.models.phpq_resnet18 import *
    from ._base_.retrieval import *
    from ._base_.schedules.phpq_sgd_50e import *

model.update(head=dict(num_classes=200))
default_hooks.update(database=database_hook)
train_dataloader.update(batch_size=128)  # MeCoQ's
