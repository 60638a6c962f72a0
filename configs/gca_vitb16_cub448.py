"""GCA, ViT-B/16, CUB-200-2011, quoted in Table 1 beside crops of 448; its own crops are 224.

The paper's 73.40 % is GCA's published clustering accuracy on known classes (`cluster_accuracy/Old`; All 68.8, New
66.6), not top-1 accuracy. The base stage is gca_base_vitb16_cub448.py: docs/gca.md.
"""

from mmengine.config import read_base
from mmengine.optim import OptimWrapper
from mmengine.runner import TestLoop, ValLoop
from mmpretrain.models import ImageClassifier
from torch.optim import Adam

from lcv_mm.engine import ResumableTrainLoop
from lcv_mm.gca import AggregationHook, DINOVisionTransformer, GCAHead, NeighborGraphHook

with read_base():
    from ._base_.datasets.cub_discovery224 import *
    from ._base_.default_runtime import *

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

custom_hooks = [
    dict(type=NeighborGraphHook, pipeline=test_pipeline),
    dict(type=AggregationHook, pipeline=test_pipeline, begin=100),
]
default_hooks.pop('class_distances')  # their features are of pairs of images
default_hooks.checkpoint.update(interval=10, save_best=None)  # Published: not known. Here: the last epoch

optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=1e-4, weight_decay=1e-4))
train_cfg = dict(type=ResumableTrainLoop, max_epochs=300, val_begin=101, val_interval=10)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)
find_unused_parameters = True  # of several processes: the final clusters wait for the first joining
