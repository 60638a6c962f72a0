"""What a run needs beside the model and the data: loops, hooks, optimizer wrappers, safe checkpoints."""

from .atomic_backend import AtomicBackend
from .catch_up_val_hook import CatchUpValHook
from .channels_last_hook import ChannelsLastHook
from .checkpoint_fit_hook import CheckpointFitHook
from .class_distance_hook import ClassDistanceHook
from .compile_hook import CompileHook
from .cpu_amp_optim_wrapper import CPUAmpOptimWrapper
from .finite_loss_hook import FiniteLossHook
from .freeze_backbone_hook import FreezeBackboneHook
from .last_good_checkpoint import last_good_checkpoint, resume_from_last_good
from .positional_seed_hook import PositionalSeedHook
from .preemption_hook import PreemptionHook
from .resumable_train_loop import ResumableTrainLoop
from .safe_checkpoint import load_checkpoints_safely, trust_checkpoints
from .safe_checkpoint_hook import SafeCheckpointHook

__all__ = [
    'AtomicBackend',
    'CPUAmpOptimWrapper',
    'CatchUpValHook',
    'ChannelsLastHook',
    'CheckpointFitHook',
    'ClassDistanceHook',
    'CompileHook',
    'FiniteLossHook',
    'FreezeBackboneHook',
    'PositionalSeedHook',
    'PreemptionHook',
    'ResumableTrainLoop',
    'SafeCheckpointHook',
    'last_good_checkpoint',
    'load_checkpoints_safely',
    'resume_from_last_good',
    'trust_checkpoints',
]
