"""What makes a run faster, each as one line of a config: channels_last, torch.compile, bfloat16 on a CPU."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS, OPTIM_WRAPPERS
from torch import nn

from ..checkpoints.checkpoint_fit_hook import bare_model


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Puts the model's weights into channels_last, `custom_hooks = [dict(type=ChannelsLastHook)]`.

    Convolutions then compute in that format, whatever the format of their input. The results are the same up to
    rounding; it is faster in low precision, and on many CPUs in float32 too.
    """

    def before_run(self, runner: Runner) -> None:
        if not is_model_wrapper(runner.model):
            runner.model.to(memory_format=torch.channels_last)
            return
        # DistributedDataParallel lays out its buckets by the weights that it is given, so give it these
        model = runner.model.module.to(memory_format=torch.channels_last)
        runner.model = None  # its hooks on the weights go with it
        runner.model = runner.wrap_model(runner.cfg.get('model_wrapper_cfg'), model)


@HOOKS.register_module()
class CompileHook(Hook):
    """Compiles parts of the model in place, `custom_hooks = [dict(type=CompileHook)]`; state dicts keep their keys.

    MMEngine's own `compile = True` compiles the whole training step with the optimizer in it, and fails there under a
    schedule (seen with torch 2.12: InternalTorchDynamoError in `SGD.step`).

    Args:
        parts (Sequence[str]): Names of the model's parts. Here: 'backbone', where the time is.
        **options: Of `torch.compile`, such as `mode`.
    """

    def __init__(self, parts: Sequence[str] = ('backbone',), **options: Any) -> None:
        self.parts = parts
        self.options = options

    def before_train(self, runner: Runner) -> None:
        for part in self.parts:
            bare_model(runner).get_submodule(part).compile(**self.options)


def warn_of_slow_amp() -> None:
    """Say in the log where mixed precision would be computed without bfloat16 instructions."""
    if not torch.cuda.is_available() and torch.backends.cpu.get_cpu_capability() == 'AVX2':
        text = 'This processor has no bfloat16 instructions: mixed precision takes several times as long as float32; '
        print_log(text + 'train without --amp', logger='current', level=logging.WARNING)


@OPTIM_WRAPPERS.register_module()
class CPUAmpOptimWrapper(OptimWrapper):
    """An `OptimWrapper` that runs the model in bfloat16 autocast on the CPU, which MMEngine's own wrapper refuses.

    `tools/train.py --amp` takes it on a machine without a GPU. bfloat16 has float32's range: no loss scaling.
    It pays on processors with bfloat16 instructions (AVX512-BF16, AMX). One of AVX2 alone took 12 times as long as in
    float32 (ResNet-18, AMD EPYC, torch 2.12), so there the log warns.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        warn_of_slow_amp()

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        with super().optim_context(model), torch.autocast('cpu', dtype=torch.bfloat16):
            yield
