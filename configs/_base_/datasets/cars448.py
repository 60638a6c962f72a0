"""Stanford Cars: 8144 training and 8041 test images of 196 models, at 448."""

from mmengine.config import read_base
from mmpretrain.datasets import StanfordCars

with read_base():
    from ..loaders import *
    from ..pipelines.crop448 import *

data_preprocessor.update(num_classes=196)
train_dataloader.update(
    dataset=dict(type=StanfordCars, data_root='data/Stanford_Cars', split='train', pipeline=train_pipeline)
)
val_dataloader.update(
    dataset=dict(type=StanfordCars, data_root='data/Stanford_Cars', split='test', pipeline=test_pipeline)
)
test_dataloader = val_dataloader
