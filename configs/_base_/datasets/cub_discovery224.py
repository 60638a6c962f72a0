"""CUB-200-2011's training images for category discovery: 100 known classes, half of their images labelled, at 224."""

from mmcv.transforms import RandomApply, RandomGrayscale
from mmengine.config import read_base
from mmpretrain.datasets import (
    CenterCrop,
    ColorJitter,
    LoadImageFromFile,
    PackInputs,
    RandomFlip,
    RandomResizedCrop,
    ResizeEdge,
)

from lcv_mm.datasets import CUB200
from lcv_mm.gca import CategoryDiscovery, ClusterAccuracy, NeighborBatchSampler

with read_base():
    from ..loaders import *

train_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=ResizeEdge, scale=256, edge='short', interpolation='bicubic'),
    dict(type=RandomResizedCrop, scale=224),
    dict(type=RandomFlip, prob=0.5, direction='horizontal'),
    dict(
        type=RandomApply,
        prob=0.8,
        transforms=[dict(type=ColorJitter, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)],
    ),
    dict(type=RandomGrayscale, prob=0.2, keep_channels=True),
    dict(type=PackInputs),
]
test_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=ResizeEdge, scale=256, edge='short', interpolation='bicubic'),
    dict(type=CenterCrop, crop_size=224),
    dict(type=PackInputs),
]

# Published: the known classes of cub_osr_splits.pkl (Semantic Shift Benchmark), labelled images drawn with seed 0.
# Here: the known classes are also drawn, unless known_classes names a file
discovery = dict(type=CategoryDiscovery, num_known=100, known_classes=None, labelled_fraction=0.5, seed=0)
cub = dict(type=CUB200, data_root='data/CUB_200_2011', split='train')

data_preprocessor.update(num_classes=200)
train_dataloader.update(
    batch_size=512,
    batch_sampler=dict(type=NeighborBatchSampler),
    dataset=dict(**discovery, subset='all', dataset=dict(**cub, pipeline=train_pipeline)),
)
val_dataloader.update(
    batch_size=256,
    dataset=dict(**discovery, subset='unlabelled', dataset=dict(**cub, pipeline=test_pipeline)),
)
test_dataloader = val_dataloader
val_evaluator = dict(type=ClusterAccuracy)
test_evaluator = val_evaluator
del discovery, cub
