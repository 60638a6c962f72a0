"""ConvNeXt-B, global average pooling and a linear classifier."""

from mmpretrain.models import GlobalAveragePooling, ImageClassifier, LinearClsHead, ConvNeXt

model = dict(
    type=ImageClassifier,
    backbone=dict(
        type=ConvNeXt,
        arch='base',
        gap_before_final_norm=False,  # maps, not vectors: attention and bilinear heads need them
        drop_path_rate=0.2,
        # convnext-base_3rdparty_in21k of MMPretrain's model zoo
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/convnext/convnext-base_3rdparty_in21k_20220124-13b83eec.pth',
            prefix='backbone',
        ),
    ),
    neck=dict(type=GlobalAveragePooling),
    head=dict(type=LinearClsHead, in_channels=1024, cal_acc=True),
)
