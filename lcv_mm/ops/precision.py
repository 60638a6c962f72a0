"""The precision in which sums over places, norms and distances are taken."""

from contextlib import AbstractContextManager

import torch
from torch import Tensor


def accumulation_dtype(dtype: torch.dtype) -> torch.dtype:
    """float64 stays, everything narrower is summed in float32 (a sum of squares of a feature map overflows float16)."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def no_autocast(x: Tensor) -> AbstractContextManager:
    """Switch autocast off on the device of `x`: `.float()` alone is undone by it at the next matrix product."""
    return torch.autocast(x.device.type, enabled=False)


def compute_dtype(x: Tensor) -> torch.dtype:
    """The type in which autocast would take a matrix product with `x`: low where it is on, else that of `x`."""
    device = x.device.type
    if x.dtype != torch.float64 and torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return x.dtype
