"""The runtime, independent of the experiment: hooks, logs, seeds."""

from mmengine.hooks import DistSamplerSeedHook, IterTimerHook, LoggerHook, ParamSchedulerHook
from mmengine.visualization import LocalVisBackend
from mmpretrain.visualization import UniversalVisualizer

from lcv_mm.engine import (
    CatchUpValHook,
    ClassDistanceHook,
    FiniteLossHook,
    PositionalSeedHook,
    PreemptionHook,
    SafeCheckpointHook,
    TrainedClassifierHook,
    UniqueVisualizationHook,
)

# configs here refer to classes; parts that MMPretrain's own tools add are referred to by name
default_scope = 'mmpretrain'

default_hooks = dict(
    timer=dict(type=IterTimerHook),
    logger=dict(type=LoggerHook, interval=20),
    param_scheduler=dict(type=ParamSchedulerHook),
    # at most two checkpoints: with a bilinear head and its momentum they are large
    checkpoint=dict(type=SafeCheckpointHook, interval=1, max_keep_ckpts=2),
    sampler_seed=dict(type=DistSamplerSeedHook),
    # these make a stopped and resumed run equal an uninterrupted one
    random_seed=dict(type=PositionalSeedHook),
    preemption=dict(type=PreemptionHook),
    catch_up_val=dict(type=CatchUpValHook),  # after the hook that handles signals
    finite_loss=dict(type=FiniteLossHook, patience=10),
    # LCV logs these itself; baselines log them with this hook, for comparison
    class_distances=dict(type=ClassDistanceHook),
    trained_classifier=dict(type=TrainedClassifierHook),
    visualization=dict(type=UniqueVisualizationHook, enable=False),
)

env_cfg = dict(
    cudnn_benchmark=True,  # all images of a run have the same size
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)

visualizer = dict(type=UniversalVisualizer, vis_backends=[dict(type=LocalVisBackend)])
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0, deterministic=False)
