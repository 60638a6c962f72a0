"""What a run needs beside the model and the data: hooks, optimizer wrappers, safe checkpoints."""

from .channels_last_hook import ChannelsLastHook
from .cpu_amp_optim_wrapper import CPUAmpOptimWrapper
from .safe_checkpoint import load_checkpoints_safely, trust_checkpoints
from .short_errors import short_errors

__all__ = ['CPUAmpOptimWrapper', 'ChannelsLastHook', 'load_checkpoints_safely', 'short_errors', 'trust_checkpoints']
