"""CBP on a pretrained ResNet-50: the last stage has 1/32 of the image's size."""

from mmengine.config import read_base

with read_base():
    from ..cbp_head import *
    from .resnet50 import *

model.pop('neck')
model.head = dict(cbp_head, in_channels=2048)
