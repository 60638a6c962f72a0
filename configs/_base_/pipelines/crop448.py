"""Random crops of 448 in training, centre crops in test."""

from mmpretrain.datasets import CenterCrop, LoadImageFromFile, PackInputs, RandomCrop, RandomFlip, ResizeEdge

# Paper: resize and mirroring not stated. Here: the short side to 512, as CBP's and HBP's authors do, and mirroring
train_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=ResizeEdge, scale=512, edge='short'),
    dict(type=RandomCrop, crop_size=448),
    dict(type=RandomFlip, prob=0.5, direction='horizontal'),
    dict(type=PackInputs),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),  # by the name under which MMPretrain's inferencer looks for it
    dict(type=ResizeEdge, scale=512, edge='short'),
    dict(type=CenterCrop, crop_size=448),
    dict(type=PackInputs),
]
