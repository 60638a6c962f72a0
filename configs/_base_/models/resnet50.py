"""ResNet-50, global average pooling and a linear classifier."""

from mmpretrain.models import GlobalAveragePooling, ImageClassifier, LinearClsHead, ResNet

model = dict(
    type=ImageClassifier,
    backbone=dict(
        type=ResNet,
        depth=50,
        # MIIL's weights from ImageNet-21k, as in MMPretrain's own recipe for CUB (resnet50_8xb8_cub)
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/resnet/resnet50_3rdparty-mill_in21k_20220331-faac000b.pth',
            prefix='backbone',
        ),
    ),
    neck=dict(type=GlobalAveragePooling),
    head=dict(type=LinearClsHead, in_channels=2048, cal_acc=True),
)
