"""What a run needs besides the model and the data: loops, hooks, optimizer wrappers; `checkpoints` is part of it."""

from ..checkpoints.checkpoint_fit_hook import CheckpointFitHook
from ..checkpoints.load import load_checkpoints_safely, trust_checkpoints
from ..checkpoints.resume import last_good_checkpoint, resume_from_last_good
from ..checkpoints.save import SafeCheckpointHook, write_atomically
from .catch_up_val_hook import CatchUpValHook
from .class_distance_hook import ClassDistanceHook
from .finite_loss_hook import FiniteLossHook
from .freeze_backbone_hook import FreezeBackboneHook
from .pooled_feature_hook import PooledFeatureHook
from .positional_seed_hook import PositionalSeedHook
from .preemption_hook import EXIT_TRY_AGAIN, PreemptionHook
from .resumable_train_loop import ResumableTrainLoop
from .speed import ChannelsLastHook, CompileHook, CPUAmpOptimWrapper
from .trained_classifier_hook import TrainedClassifierHook
from .unique_visualization_hook import UniqueVisualizationHook

__all__ = [
    'EXIT_TRY_AGAIN',
    'CPUAmpOptimWrapper',
    'CatchUpValHook',
    'ChannelsLastHook',
    'CheckpointFitHook',
    'ClassDistanceHook',
    'CompileHook',
    'FiniteLossHook',
    'FreezeBackboneHook',
    'PooledFeatureHook',
    'PositionalSeedHook',
    'PreemptionHook',
    'ResumableTrainLoop',
    'SafeCheckpointHook',
    'TrainedClassifierHook',
    'UniqueVisualizationHook',
    'last_good_checkpoint',
    'load_checkpoints_safely',
    'resume_from_last_good',
    'trust_checkpoints',
    'write_atomically',
]
