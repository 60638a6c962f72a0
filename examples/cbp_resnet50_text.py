"""LCV on CBP with MMPretrain's ResNet-50, for folders of images: a self-contained text-style config to copy and change.

python tools/train.py examples/cbp_resnet50_text.py
"""

custom_imports = dict(imports=['lcv_mm'])  # registers LCVClassifier and the others by their bare names
default_scope = 'mmpretrain'

data_root = 'data/my_images'  # holds train/<class>/ and val/<class>/
num_classes = 10

model = dict(
    type='LCVClassifier',
    backbone=dict(
        type='ResNet',
        depth=50,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),  # None: from scratch
    ),
    neck=dict(type='ResidualAttention'),
    head=dict(type='CBPHead', num_classes=num_classes, in_channels=2048, out_dim=8192),
    variance_loss=dict(type='ClassVarianceLoss'),
)
data_preprocessor = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)  # ImageNet's

train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    dataset=dict(
        type='CustomDataset',
        data_root=data_root,
        data_prefix='train',
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='ResizeEdge', scale=256),
            dict(type='RandomCrop', crop_size=224),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackInputs'),
        ],
    ),
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='ClassBalancedBatchSampler', samples_per_class=2),  # pairs of each class in every batch
    collate_fn=dict(type='default_collate'),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    dataset=dict(
        type='CustomDataset',
        data_root=data_root,
        data_prefix='val',
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='ResizeEdge', scale=256),
            dict(type='CenterCrop', crop_size=224),
            dict(type='PackInputs'),
        ],
    ),
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
)
test_dataloader = val_dataloader
val_evaluator = test_evaluator = dict(type='Accuracy', topk=(1,))

# Four epochs train only the head, at lr 1. Then everything is trained, at 0.01 and from epoch 16 on at 0.001
train_cfg = dict(by_epoch=True, max_epochs=20)
val_cfg = test_cfg = dict()
custom_hooks = [dict(type='FreezeBackboneHook', epochs=4)]
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=1.0, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='MultiStepLR', milestones=[4], gamma=0.01),
    dict(type='MultiStepLR', milestones=[15], gamma=0.1),
]
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=20),
    checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=2, save_best='auto'),
)
