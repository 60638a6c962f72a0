"""ViT-B/14 of DINOv2, global average pooling and a linear classifier."""

from mmpretrain.models import GlobalAveragePooling, ImageClassifier, LinearClsHead, VisionTransformer

model = dict(
    type=ImageClassifier,
    backbone=dict(
        type=VisionTransformer,
        arch='base',
        img_size=448,  # 32 x 32 patches; the position embedding for 518 is resized when the weights are loaded
        patch_size=14,
        layer_scale_init_value=1e-5,
        out_type='featmap',  # the patches as a map, without the class token
        drop_path_rate=0.1,
        # vit-base-p14_dinov2-pre_3rdparty of MMPretrain's model zoo
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://mmassets.onedl.ai/mmpretrain/v1.0/dinov2/vit-base-p14_dinov2-pre_3rdparty_20230426-ba246503.pth',
            prefix='backbone',
        ),
    ),
    neck=dict(type=GlobalAveragePooling),
    head=dict(type=LinearClsHead, in_channels=768, cal_acc=True),
)
