"""PHPQ without its neck: the last level, averaged over places."""

from mmengine.config import read_base
from mmpretrain.models import GlobalAveragePooling

with read_base():
    from ..phpq_resnet18_birdlets64 import *

model['neck'] = dict(type=GlobalAveragePooling)
model.update(head=dict(in_channels=512))
