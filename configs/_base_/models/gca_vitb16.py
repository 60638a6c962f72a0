"""GCA on DINO's ViT-B/16 after the base stage: small and final clusters."""

from mmengine.config import read_base

from lcv_mm.gca import GCAHead

with read_base():
    from .gca_base_vitb16 import *

# Published: a checkpoint of category discovery or of PromptCAL, probably the latter. Here: that of our base stage
of_base = dict(checkpoint='work_dirs/gca_base_vitb16_cub448/epoch_200.pth', prefix='backbone.')
model.update(backbone=dict(init_cfg=of_base))
model['head'] = dict(
    type=GCAHead,
    in_channels=768,
    num_clusters=200,
    num_images=5994,
    num_small_clusters=1000,
    num_heads=10,
    num_neighbors=5,
    entropy_weight=5.0,
)
del of_base
