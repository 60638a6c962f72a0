"""Oxford Flowers-102: 2040 training and 6149 test images of 102 flowers, at 448."""

from mmengine.config import read_base
from mmpretrain.datasets import Flowers102

with read_base():
    from ..loaders import *
    from ..pipelines.crop448 import *

data_preprocessor.update(num_classes=102)
train_dataloader.update(
    dataset=dict(type=Flowers102, data_root='data/Flowers102', split='trainval', pipeline=train_pipeline)
)
val_dataloader.update(dataset=dict(type=Flowers102, data_root='data/Flowers102', split='test', pipeline=test_pipeline))
test_dataloader = val_dataloader
