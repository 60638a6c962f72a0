"""CBP on an unmodified pretrained ResNet-18: the last stage has 1/32 of the image's size."""

from mmengine.config import read_base

from lcv_mm.models import ResNetLayers

with read_base():
    from .cbp_resnet18 import *

model['backbone'] = dict(
    type=ResNetLayers,
    depth=18,
    out_layers=('layer4.1',),
    init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18'),
)
