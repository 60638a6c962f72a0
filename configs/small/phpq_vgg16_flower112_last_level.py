"""PHPQ without its neck, VGG-16 (frozen), Oxford-Flower-17, crops of 112: the last level, averaged over places."""

from mmengine.config import read_base
from mmpretrain.models import GlobalAveragePooling

with read_base():
    from .phpq_vgg16_flower112 import *

model['neck'] = dict(type=GlobalAveragePooling)
model.update(head=dict(in_channels=512))
