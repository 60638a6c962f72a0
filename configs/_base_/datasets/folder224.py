"""A user's own images at 224."""

from mmengine.config import read_base

with read_base():
    from ..pipelines.crop224 import *
    from .folder import *

train_dataloader.update(dataset=dict(pipeline=train_pipeline))
val_dataloader.update(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
