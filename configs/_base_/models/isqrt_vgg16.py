"""iSQRT-COV on VGG-16: relu5_3 without pool5."""

from mmengine.config import read_base

from lcv_mm.models import ISQRTCOVHead

with read_base():
    from .cbp_vgg16 import *

# Li et al. (2018): a reduction to 256 channels and 5 iterations
model['head'] = dict(type=ISQRTCOVHead, in_channels=512, reduce_channels=256, iterations=5, cal_acc=True)
