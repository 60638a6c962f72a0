"""Random crops of 224 for training, centre crops for testing."""

from mmpretrain.datasets import CenterCrop, LoadImageFromFile, PackInputs, RandomCrop, RandomFlip, ResizeEdge

# Paper: "randomly clipp, translate, scale images", random crops of 224; amounts, resizing and mirroring not stated.
# Here: short side to 256, the same ratio as 512 to 448 (crop448.py), random crop and mirroring
train_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=ResizeEdge, scale=256, edge='short'),
    dict(type=RandomCrop, crop_size=224),
    dict(type=RandomFlip, prob=0.5, direction='horizontal'),
    dict(type=PackInputs),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),  # the name that MMPretrain's inferencer looks for
    dict(type=ResizeEdge, scale=256, edge='short'),
    dict(type=CenterCrop, crop_size=224),
    dict(type=PackInputs),
]
