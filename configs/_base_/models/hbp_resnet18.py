"""HBP on ResNet-18: three levels of the last stage, each projected to 8192 dimensions, linear classifier."""

from mmpretrain.models import ImageClassifier

from lcv_mm.models import HBPHead, ResNetLayers

model = dict(
    type=ImageClassifier,
    backbone=dict(
        type=ResNetLayers,
        depth=18,
        # Paper: not stated. Here: the three pretrained levels with 512 channels and the same resolution
        out_layers=('layer4.0', 'layer4.1.relu1', 'layer4.1'),
        # Paper: "pre-trained on the ImageNet", source not stated. Here: torchvision's weights
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18'),
    ),
    head=dict(
        type=HBPHead,
        in_channels=512,
        proj_dim=8192,  # Paper: "The final dimension of original HBP is 8192"
        cal_acc=True,
    ),
)
