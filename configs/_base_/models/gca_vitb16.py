"""GCA on DINO's ViT-B/16 after the base stage: small clusters and final ones."""

from mmpretrain.models import ImageClassifier

from lcv_mm.gca import DINOVisionTransformer, GCAHead

model = dict(
    type=ImageClassifier,
    backbone=dict(
        type=DINOVisionTransformer,
        arch='b',
        frozen_stages=11,
        # Published: a checkpoint of category discovery, which one is not known. Here: of our base stage
        init_cfg=dict(
            type='Pretrained', checkpoint='work_dirs/gca_base_vitb16_cub448/epoch_200.pth', prefix='backbone.'
        ),
    ),
    head=dict(
        type=GCAHead,
        in_channels=768,
        num_clusters=200,
        num_images=5994,
        num_small_clusters=1000,
        num_heads=10,
        num_neighbors=5,
        entropy_weight=5.0,
    ),
)
