"""HBP on VGG-16: relu5_1, relu5_2 and relu5_3, each projected to 8192 dimensions, linear classifier."""

from mmpretrain.models import ImageClassifier

from lcv_mm.models import HBPHead, VGGLayers

model = dict(
    type=ImageClassifier,
    backbone=dict(
        type=VGGLayers,
        depth=16,
        out_layers=('relu5_1', 'relu5_2', 'relu5_3'),  # Paper: not stated. Here: those of Yu et al. (2018)
        # Paper: "pre-trained on the ImageNet", source not stated. Here: torchvision's weights
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16'),
    ),
    head=dict(
        type=HBPHead,
        in_channels=512,
        proj_dim=8192,  # Paper: "The final dimension of original HBP is 8192"
        cal_acc=True,
    ),
)
