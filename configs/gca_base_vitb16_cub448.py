"""The base stage of gca_vitb16_cub448.py: DINO's ViT-B/16 trained as in generalised category discovery, crops of 224.

Vaze et al., CVPR 2022. Not a row of the paper; docs/gca.md says where DINO's file comes from.
"""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmpretrain.models import ImageClassifier
from torch.optim import SGD

from lcv_mm.engine import ResumableTrainLoop
from lcv_mm.gca import CategoryDiscoveryHead, DINOVisionTransformer

with read_base():
    from ._base_.datasets.cub_discovery224 import *
    from ._base_.default_runtime import *

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
        supervised_weight=0.35,
        temperature=1.0,
        supervised_temperature=0.07,
    ),
)

train_dataloader.update(batch_size=128)
# nothing is clustered yet
val_dataloader = None
test_dataloader = None
val_evaluator = None
test_evaluator = None
default_hooks.pop('class_distances')
default_hooks.pop('catch_up_val')
default_hooks.checkpoint.update(interval=10, save_best=None)

optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=SGD, lr=0.1, momentum=0.9, weight_decay=5e-5))
param_scheduler = dict(type=CosineAnnealingLR, by_epoch=True, T_max=200, eta_min=1e-4)
train_cfg = dict(type=ResumableTrainLoop, max_epochs=200)
val_cfg = None
test_cfg = None
