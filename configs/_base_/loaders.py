"""Settings of the data loaders for all datasets."""

from mmengine.dataset import DefaultSampler, default_collate
from mmpretrain.evaluation import Accuracy

data_preprocessor = dict(
    mean=[123.675, 116.28, 103.53],  # ImageNet's, RGB
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)

train_dataloader = dict(
    batch_size=16,  # Paper: not stated. Here: 16
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type=default_collate),
    sampler=dict(type=DefaultSampler, shuffle=True),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type=default_collate),
    sampler=dict(type=DefaultSampler, shuffle=False),
)
test_dataloader = val_dataloader
val_evaluator = dict(type=Accuracy, topk=(1, 5))  # Paper: "accuracy", top-1
test_evaluator = val_evaluator
