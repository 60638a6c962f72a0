"""Birdlets at 112: 800 training and 400 test images of 20 drawn birds, made on first use in CUB's layout."""

from mmengine.dataset import DefaultSampler, default_collate
from mmpretrain.datasets import CenterCrop, LoadImageFromFile, PackInputs, RandomCrop, RandomFlip, ResizeEdge
from mmpretrain.evaluation import Accuracy

from lcv_mm.datasets import Birdlets

data_preprocessor = dict(
    num_classes=20,
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)

train_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=ResizeEdge, scale=128, edge='short'),
    dict(type=RandomCrop, crop_size=112),
    dict(type=RandomFlip, prob=0.5, direction='horizontal'),
    dict(type=PackInputs),
]
test_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=ResizeEdge, scale=128, edge='short'),
    dict(type=CenterCrop, crop_size=112),
    dict(type=PackInputs),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=1,  # the images are small: one worker keeps two CPU cores of training busy
    persistent_workers=True,
    pin_memory=False,
    collate_fn=dict(type=default_collate),
    sampler=dict(type=DefaultSampler, shuffle=True),
    dataset=dict(type=Birdlets, data_root='data/birdlets', split='train', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=50,
    num_workers=1,
    persistent_workers=True,
    pin_memory=False,
    collate_fn=dict(type=default_collate),
    sampler=dict(type=DefaultSampler, shuffle=False),
    dataset=dict(type=Birdlets, data_root='data/birdlets', split='test', pipeline=test_pipeline),
)
val_evaluator = dict(type=Accuracy, topk=(1, 5))

test_dataloader = val_dataloader
test_evaluator = val_evaluator
