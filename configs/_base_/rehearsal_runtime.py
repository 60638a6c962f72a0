"""The runtime for many short runs: a checkpoint every 4 epochs, and none of the best epoch."""

from mmengine.config import read_base

with read_base():
    from .default_runtime import *

default_hooks.checkpoint.update(interval=4, save_best=None)
default_hooks.logger.update(interval=10)
