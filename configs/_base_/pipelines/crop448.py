"""Random crops of 448 for training, centre crops for testing."""

from mmpretrain.datasets import CenterCrop, LoadImageFromFile, PackInputs, RandomCrop, RandomFlip, ResizeEdge

# Paper: "randomly clipp, translate, scale images", random crops of 448; amounts, resizing and mirroring not stated.
# Here: short side to 512, random crop (which clips and translates) and mirroring; no scaling. On CUB's warblers, the
# centre crop then keeps 89 % of a bird's box. A short side of 448, as in HaoMood's BCNN, keeps 95 %. Squashing
# the image to 512 x 512, as CBP's authors do, keeps 99 %
train_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=ResizeEdge, scale=512, edge='short'),
    dict(type=RandomCrop, crop_size=448),
    dict(type=RandomFlip, prob=0.5, direction='horizontal'),
    dict(type=PackInputs),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),  # the name that MMPretrain's inferencer looks for
    dict(type=ResizeEdge, scale=512, edge='short'),
    dict(type=CenterCrop, crop_size=448),
    dict(type=PackInputs),
]
