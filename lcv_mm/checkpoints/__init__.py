"""Files of weights: written completely or not at all, loaded as data, fitted strictly, found again after a stop."""

from .checkpoint_fit_hook import CheckpointFitHook, bare_model
from .load import load_checkpoints_safely, trust_checkpoints
from .pretrained import load_pretrained
from .resume import INTERRUPTED, NOTE, last_good_checkpoint, resume_from_last_good
from .save import SafeCheckpointHook, write_atomically

__all__ = [
    'INTERRUPTED',
    'NOTE',
    'CheckpointFitHook',
    'SafeCheckpointHook',
    'bare_model',
    'last_good_checkpoint',
    'load_checkpoints_safely',
    'load_pretrained',
    'resume_from_last_good',
    'trust_checkpoints',
    'write_atomically',
]
