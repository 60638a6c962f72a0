"""CBP on VGG-16: relu5_3 without pool5, tensor sketch to 8192 dimensions, linear classifier."""

from mmpretrain.models import ImageClassifier

from lcv_mm.models import CBPHead, VGGLayers

model = dict(
    type=ImageClassifier,
    backbone=dict(
        type=VGGLayers,
        depth=16,
        out_layers=('relu5_3',),
        # Paper: "pre-trained on the ImageNet", source not stated. Here: torchvision's weights
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16'),
    ),
    head=dict(
        type=CBPHead,
        in_channels=512,
        out_dim=8192,  # Paper: not stated. Here: 8192, as in Gao et al. (2016)
        projection='ts',  # Paper: Sec. 4.2, "it uses TS projections"
        cal_acc=True,
    ),
)
