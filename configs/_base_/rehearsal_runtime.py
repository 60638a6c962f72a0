"""The runtime for many short runs: a checkpoint every 4 epochs."""

from mmengine.config import read_base

with read_base():
    from .default_runtime import *

default_hooks.checkpoint.update(interval=4)
default_hooks.logger.update(interval=10)
