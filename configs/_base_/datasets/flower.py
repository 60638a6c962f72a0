"""Oxford-Flower-17: 680 training and 680 test images of 17 flowers."""

from mmengine.config import read_base

from lcv_mm.datasets import OxfordFlower17

with read_base():
    from ..loaders import *

data_preprocessor.update(num_classes=17)
# Paper: 40 training and 40 test images per class, selection not stated. Here: the first official split, with its
# validation and test images together as the test set (`protocol='paper'`)
train_dataloader.update(dataset=dict(type=OxfordFlower17, data_root='data/oxford_flower17', split='train', fold=1))
val_dataloader.update(dataset=dict(type=OxfordFlower17, data_root='data/oxford_flower17', split='test', fold=1))
