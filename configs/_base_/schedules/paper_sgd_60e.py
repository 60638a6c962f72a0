"""The recipe of the rows, 60 epochs: four for the classifier alone ("step 1"), then the paper's schedule (Sec. 4.1).

At lr 0.01, a classifier on unit-length bilinear features hardly learns (docs/results.md). The published code of BCNN,
CBP and HBP therefore trains it first, at lr 1 with the backbone frozen. The paper does not mention such a step.
For the paper's text alone, import `from ._base_.schedules.paper_as_written_60e import *` instead of this file.
"""

from mmengine.optim import MultiStepLR, OptimWrapper
from mmengine.runner import TestLoop, ValLoop
from torch.optim import SGD

from lcv_mm.engine import FreezeBackboneHook, ResumableTrainLoop

optim_wrapper = dict(
    type=OptimWrapper,
    # Paper: lr 0.01, momentum 0.9, weight decay 1e-4. Here: lr 1 in step 1, as in the published code, then 0.01
    optimizer=dict(type=SGD, lr=1.0, momentum=0.9, weight_decay=1e-4),
    # Paper: not stated. Here: 1; without it, VGG-16, which has no batch norm, collapses at the start of step 2
    clip_grad=dict(max_norm=1.0),
)
custom_hooks = [dict(type=FreezeBackboneHook, epochs=4)]  # Paper: not stated. Here: step 1
find_unused_parameters = True  # with several processes: the frozen backbone has no gradients to wait for
param_scheduler = [
    dict(type=MultiStepLR, by_epoch=True, milestones=[4], gamma=0.01),  # from step 1 to the paper's 0.01
    # Paper: "divided by 10 every 20 iterations". Here: epochs, since 20 iterations are half of an epoch at most
    dict(type=MultiStepLR, by_epoch=True, milestones=[20, 40], gamma=0.1),
]

# Paper: length not stated. Here: 60 epochs, 20 per rate. The last epoch is reported; none is selected on test images
train_cfg = dict(type=ResumableTrainLoop, max_epochs=60, val_interval=10)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

auto_scale_lr = dict(base_batch_size=16, enable=False)  # for `--auto-scale-lr`: the batch size of these rates
