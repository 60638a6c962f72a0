"""Hooks, loops, optimizer wrappers and a metric; safe loading, strict matching and atomic saving of checkpoints."""

# ruff: noqa: F401 (the names that the package offers)
from .checkpoint_fit_hook import CheckpointFitHook
from .class_variance_metric import ClassVarianceMetric, feature_quality
from .feature_hooks import ClassDistanceHook, PooledFeatureHook
from .freeze_backbone_hook import FreezeBackboneHook
from .load import load_checkpoints_safely, trust_checkpoints
from .loss_hooks import FiniteLossHook, TrainedClassifierHook
from .positional_seed_hook import PositionalSeedHook
from .preemption_hook import EXIT_TRY_AGAIN, PreemptionHook
from .resumable_train_loop import CatchUpValHook, ResumableTrainLoop
from .resume import last_good_checkpoint, resume_from_last_good
from .save import SafeCheckpointHook, write_atomically
from .speed import ChannelsLastHook, CPUAmpOptimWrapper
from .unique_visualization_hook import UniqueVisualizationHook
