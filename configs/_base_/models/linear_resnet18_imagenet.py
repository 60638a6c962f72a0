"""Global average pooling and a linear classifier on an unmodified pretrained ResNet-18: the reference for all heads."""

from mmengine.config import read_base
from mmpretrain.models import GlobalAveragePooling, LinearClsHead

with read_base():
    from .cbp_resnet18_imagenet import *

model['neck'] = dict(type=GlobalAveragePooling)
model['head'] = dict(type=LinearClsHead, in_channels=512, cal_acc=True)
