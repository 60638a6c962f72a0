"""The base stage of GCA on DINO's ViT-B/16: contrastive learning in generalised category discovery."""

from mmpretrain.models import ImageClassifier

from lcv_mm.gca import CategoryDiscoveryHead, DINOVisionTransformer

model = dict(
    type=ImageClassifier,
    backbone=dict(
        type=DINOVisionTransformer,
        arch='b',
        frozen_stages=11,
        init_cfg=dict(type='Pretrained', checkpoint='data/weights/dino_vitbase16_pretrain.pth'),
    ),
    head=dict(
        type=CategoryDiscoveryHead,
        in_channels=768,
        hidden_channels=2048,
        bottleneck_channels=256,
        out_channels=65536,
        supervised_weight=0.35,
        temperature=1.0,
        supervised_temperature=0.07,
    ),
)
