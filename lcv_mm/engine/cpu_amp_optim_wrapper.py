"""Mixed precision on a CPU, which MMEngine's own wrapper refuses."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmpretrain.registry import OPTIM_WRAPPERS
from torch import nn


@OPTIM_WRAPPERS.register_module()
class CPUAmpOptimWrapper(OptimWrapper):
    """An `OptimWrapper` that runs the model in bfloat16 autocast on the CPU.

    `tools/train.py --amp` takes it on a machine without a GPU. bfloat16 has float32's range: no loss scaling.
    It pays on processors with bfloat16 instructions (AVX512-BF16, AMX); elsewhere it is slower than float32.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        with super().optim_context(model), torch.autocast('cpu', dtype=torch.bfloat16):
            yield
