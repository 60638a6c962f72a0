"""Random crops of 224 in training, centre crops in test."""

from mmpretrain.datasets import CenterCrop, LoadImageFromFile, PackInputs, RandomCrop, RandomFlip, ResizeEdge

# Paper: "randomly clipp, translate, scale images", random crops of 224; amounts, resize and mirroring not stated. Here:
# the short side to 256, the same share as 512 for 448 (crop448.py), the crop and mirroring
train_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=ResizeEdge, scale=256, edge='short'),
    dict(type=RandomCrop, crop_size=224),
    dict(type=RandomFlip, prob=0.5, direction='horizontal'),
    dict(type=PackInputs),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),  # by the name under which MMPretrain's inferencer looks for it
    dict(type=ResizeEdge, scale=256, edge='short'),
    dict(type=CenterCrop, crop_size=224),
    dict(type=PackInputs),
]
