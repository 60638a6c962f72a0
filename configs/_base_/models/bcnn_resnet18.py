"""BCNN on ResNet-18 from scratch, for small images: the last stage does not downsample (1/16 of the image's size)."""

from mmpretrain.models import ImageClassifier, ResNet

from lcv_mm.models import BCNNHead

model = dict(
    type=ImageClassifier,
    backbone=dict(type=ResNet, depth=18, strides=(1, 2, 2, 1), out_indices=(3,)),
    head=dict(type=BCNNHead, in_channels=512, cal_acc=True),
)
