"""The 25 warblers of CUB-200-2011 at 224."""

from mmengine.config import read_base

with read_base():
    from .warblers112 import *
    from ..pipelines.crop224 import *  # isort: skip

train_dataloader.update(dataset=dict(pipeline=train_pipeline))
val_dataloader.update(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
