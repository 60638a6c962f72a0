"""iSQRT-COV, ResNet-50, CUB-200-2011, crops of 448, with MMPretrain's recipe for CUB. Not run at full size."""

from mmengine.config import read_base

from lcv_mm.models import ISQRTCOVHead

with read_base():
    from .resnet50_cub448 import *

model.pop('neck')
model.head = dict(type=ISQRTCOVHead, in_channels=2048, num_classes=200, reduce_channels=256, iterations=5, cal_acc=True)
