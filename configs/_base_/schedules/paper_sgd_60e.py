"""The paper's schedule (Sec. 4.1): SGD, one stage end to end."""

from mmengine.optim import OptimWrapper, StepLR
from mmengine.runner import TestLoop, ValLoop
from torch.optim import SGD

from lcv_mm.engine import ResumableTrainLoop

optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=SGD, lr=0.01, momentum=0.9, weight_decay=1e-4),  # Paper: as written
)
# Paper: "divided by 10 every 20 iterations". Here: epochs, since 20 iterations are a twentieth of one
param_scheduler = dict(type=StepLR, by_epoch=True, step_size=20, gamma=0.1)

train_cfg = dict(type=ResumableTrainLoop, max_epochs=60, val_interval=1)  # Paper: length not stated. Here: 3 steps
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

auto_scale_lr = dict(base_batch_size=16, enable=False)  # of `--auto-scale-lr`: the batch size that lr=0.01 is for
