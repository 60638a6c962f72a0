"""BCNN on an unmodified pretrained ResNet-18: the last stage has 1/32 of the image's size."""

from mmengine.config import read_base

from lcv_mm.models import BCNNHead

with read_base():
    from .cbp_resnet18_imagenet import *

model['head'] = dict(type=BCNNHead, in_channels=512, cal_acc=True)
