"""`phpq_resnet18` on a frozen VGG-16, for CPUs."""

from mmengine.config import read_base

from lcv_mm.models import VGGLayers

with read_base():
    from .phpq_resnet18 import *

model['backbone'] = dict(
    type=VGGLayers,
    depth=16,
    out_layers=('relu3_3', 'relu4_3', 'relu5_3'),
    frozen_stages=5,
    init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16'),
)
model.update(neck=dict(in_channels=(256, 512, 512)))
