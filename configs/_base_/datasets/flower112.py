"""Oxford-Flower-17 at 112."""

from mmengine.config import read_base

with read_base():
    from ..pipelines.crop112 import *
    from .flower import *

train_dataloader.update(dataset=dict(pipeline=train_pipeline))
val_dataloader.update(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
