"""Stanford Dogs: 12000 training and 8580 test images of 120 breeds."""

from mmengine.config import read_base

from lcv_mm.datasets import StanfordDogs

with read_base():
    from ..loaders import *

data_preprocessor.update(num_classes=120)
train_dataloader.update(dataset=dict(type=StanfordDogs, data_root='data/stanford_dogs', split='train'))
val_dataloader.update(dataset=dict(type=StanfordDogs, data_root='data/stanford_dogs', split='test'))
