"""BCNN on VGG-16: relu5_3 without pool5, 512 * 512 channel products, linear classifier."""

from mmpretrain.models import ImageClassifier

from lcv_mm.models import BCNNHead, VGGLayers

model = dict(
    type=ImageClassifier,
    backbone=dict(
        type=VGGLayers,
        depth=16,
        out_layers=('relu5_3',),
        # Paper: "pre-trained on the ImageNet", source not stated. Here: torchvision's weights
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16'),
    ),
    head=dict(type=BCNNHead, in_channels=512, cal_acc=True),
)
