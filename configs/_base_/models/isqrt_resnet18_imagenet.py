"""iSQRT-COV on an unmodified pretrained ResNet-18: the last stage has 1/32 of the image's size."""

from mmengine.config import read_base

from lcv_mm.models import ISQRTCOVHead

with read_base():
    from .cbp_resnet18_imagenet import *

# Li et al. (2018): a reduction to 256 channels and 5 iterations
model['head'] = dict(type=ISQRTCOVHead, in_channels=512, reduce_channels=256, iterations=5, cal_acc=True)
