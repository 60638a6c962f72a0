"""FGVC Aircraft: 6667 training and 3333 test images of 100 variants, at 448."""

from mmengine.config import read_base
from mmpretrain.datasets import FGVCAircraft

with read_base():
    from ..loaders import *
    from ..pipelines.crop448 import *

data_preprocessor.update(num_classes=100)
train_dataloader.update(
    dataset=dict(type=FGVCAircraft, data_root='data/fgvc-aircraft-2013b', split='trainval', pipeline=train_pipeline)
)
val_dataloader.update(
    dataset=dict(type=FGVCAircraft, data_root='data/fgvc-aircraft-2013b', split='test', pipeline=test_pipeline)
)
test_dataloader = val_dataloader
