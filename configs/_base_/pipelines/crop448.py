"""Random crops of 448 in training, centre crops in test."""

from mmpretrain.datasets import CenterCrop, LoadImageFromFile, PackInputs, RandomCrop, RandomFlip, ResizeEdge

# Paper: "randomly clipp, translate, scale images", random crops of 448; amounts, resize and mirroring not stated. Here:
# the short side to 512, the crop, which clips and translates, and mirroring; no scaling. On CUB's warblers the centre
# crop then keeps 89 % of a bird's box; a short side of 448, as in HaoMood's BCNN, keeps 95 %, and the whole image
# squashed to 512 x 512, as CBP's authors do, 99 %
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
