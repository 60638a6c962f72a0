"""Swin-B, global average pooling and a linear classifier."""

from mmpretrain.models import GlobalAveragePooling, ImageClassifier, LinearClsHead, SwinTransformer

model = dict(
    type=ImageClassifier,
    backbone=dict(
        type=SwinTransformer,
        arch='base',
        img_size=448,  # its windows of 7 divide each level: 112, 56, 28 and 14
        drop_path_rate=0.2,
        # swin-base_in21k-pre-3rdparty_in1k of MMPretrain's model zoo
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/swin-transformer/convert/swin_base_patch4_window7_224_22kto1k-f967f799.pth',
            prefix='backbone',
        ),
    ),
    neck=dict(type=GlobalAveragePooling),
    head=dict(type=LinearClsHead, in_channels=1024, cal_acc=True),
)
