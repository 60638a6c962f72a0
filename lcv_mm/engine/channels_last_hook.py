"""The channels_last memory format as one line of a config."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Puts the model's weights into channels_last, `custom_hooks = [dict(type=ChannelsLastHook)]`.

    Convolutions then compute in that format, whatever the format of their input. The results are the same up to
    rounding; it is faster in low precision, and on many CPUs in float32 too.
    """

    def before_run(self, runner: Runner) -> None:
        runner.model.to(memory_format=torch.channels_last)
