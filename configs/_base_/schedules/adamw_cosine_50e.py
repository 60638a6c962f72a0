"""AdamW for fine-tuning pretrained transformers and ConvNeXt, with their usual settings; nothing here was tuned."""

from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import TestLoop, ValLoop
from torch.optim import AdamW

from lcv_mm.engine import ResumableTrainLoop

optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=AdamW, lr=2e-5, weight_decay=0.05, betas=(0.9, 0.999), eps=1e-8),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        flat_decay_mult=0.0,
        custom_keys={
            'relative_position_bias_table': dict(decay_mult=0.0),
            'pos_embed': dict(decay_mult=0.0),
            'cls_token': dict(decay_mult=0.0),
            'head': dict(lr_mult=10.0),  # a new classifier on pretrained features
        },
    ),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type=LinearLR, start_factor=0.01, by_epoch=True, end=5, convert_to_iter_based=True),
    dict(type=CosineAnnealingLR, by_epoch=True, begin=5, end=50, convert_to_iter_based=True),
]

train_cfg = dict(type=ResumableTrainLoop, max_epochs=50, val_interval=1)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

auto_scale_lr = dict(base_batch_size=16, enable=False)
