"""CUB-200-2011 at 448: 5994 training and 5794 test images of 200 birds."""

from mmengine.dataset import DefaultSampler, default_collate
from mmpretrain.datasets import CenterCrop, LoadImageFromFile, PackInputs, RandomCrop, RandomFlip, ResizeEdge
from mmpretrain.evaluation import Accuracy

from lcv_mm.datasets import CUB200

data_preprocessor = dict(
    num_classes=200,
    mean=[123.675, 116.28, 103.53],  # ImageNet's, RGB
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)

# Paper: crops of 448, resize not stated. Here: the short side to 512, as CBP's and HBP's authors do
train_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=ResizeEdge, scale=512, edge='short'),
    dict(type=RandomCrop, crop_size=448),
    dict(type=RandomFlip, prob=0.5, direction='horizontal'),
    dict(type=PackInputs),
]
test_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=ResizeEdge, scale=512, edge='short'),
    dict(type=CenterCrop, crop_size=448),
    dict(type=PackInputs),
]

train_dataloader = dict(
    batch_size=16,  # Paper: not stated
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type=default_collate),
    sampler=dict(type=DefaultSampler, shuffle=True),
    dataset=dict(type=CUB200, data_root='data/CUB_200_2011', split='train', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type=default_collate),
    sampler=dict(type=DefaultSampler, shuffle=False),
    dataset=dict(type=CUB200, data_root='data/CUB_200_2011', split='test', pipeline=test_pipeline),
)
val_evaluator = dict(type=Accuracy, topk=(1, 5))

test_dataloader = val_dataloader
test_evaluator = val_evaluator
