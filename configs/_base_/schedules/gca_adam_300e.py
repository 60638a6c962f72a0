"""GCA's schedule, as published: Adam, 300 epochs, the final clusters from the 101st on."""

from mmengine.config import read_base
from mmengine.optim import OptimWrapper
from mmengine.runner import TestLoop, ValLoop
from torch.optim import Adam

from lcv_mm.engine import ResumableTrainLoop
from lcv_mm.gca import AggregationHook

with read_base():
    from ..datasets.cub_discovery224 import *

custom_hooks = [dict(type=AggregationHook, pipeline=test_pipeline, begin=100)]

optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=1e-4, weight_decay=1e-4))
train_cfg = dict(type=ResumableTrainLoop, max_epochs=300, val_begin=101, val_interval=10)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)
find_unused_parameters = True  # with several processes: the final clusters are unused until the first joining
