"""Whole models, for what is tried with each head: `from lcv_models import lcv_model`."""

import torch
from mmpretrain.registry import MODELS
from torch import nn

import lcv_mm  # noqa: F401  registers the parts

LEVELS = ('layer4.0', 'layer4.1.relu1', 'layer4.1')  # of HBP


def resnet(head: dict) -> dict:
    """A narrow one with batch norm, of 32 channels."""
    layers = LEVELS if head['type'] == 'HBPHead' else LEVELS[-1:]
    narrow = dict(stem_channels=8, base_channels=4, strides=(1, 2, 1, 1))
    return dict(type='ResNetLayers', depth=18, out_layers=layers, **narrow)


def lcv_model(head: dict, backbone: dict | None = None, in_channels: int = 32, **loss: object) -> nn.Module:
    """LCV with a head of four classes, on the narrow ResNet unless another backbone is given, always the same."""
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type='LCVClassifier',
            backbone=backbone or resnet(head),
            neck=dict(type='ResidualAttention'),
            head=dict(num_classes=4, in_channels=in_channels, **head),
            variance_loss=dict(type='ClassVarianceLoss') | loss,
            data_preprocessor=dict(type='ClsDataPreprocessor', mean=[120.0] * 3, std=[60.0] * 3),
        )
    )
