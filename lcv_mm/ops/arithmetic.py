"""Accumulation dtypes, autocast helpers and matrix products tuned for CPUs."""

from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor


def accumulation_dtype(dtype: torch.dtype) -> torch.dtype:
    """float64 stays, everything narrower is summed in float32 (a sum of squares of a feature map overflows float16)."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def widest_dtype(device: torch.device) -> torch.dtype:
    """float64, for sums that cancel; float32 on Apple's MPS, which has nothing wider."""
    return torch.float32 if device.type == 'mps' else torch.float64


def no_autocast(x: Tensor) -> AbstractContextManager:
    """Switch autocast off on the device of `x`: `.float()` alone is undone by it at the next matrix product."""
    return torch.autocast(x.device.type, enabled=False)


def compute_dtype(x: Tensor) -> torch.dtype:
    """The type in which autocast would take a matrix product with `x`: low where it is on, else that of `x`."""
    device = x.device.type
    if x.dtype != torch.float64 and torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return x.dtype


def apply_function(function: type[torch.autograd.Function], *args):
    """`function.apply`; under `torch.jit.trace` its forward alone, since TorchScript can't store a Python function."""
    if torch.jit.is_tracing():
        return function.forward(SimpleNamespace(save_for_backward=lambda *tensors: None), *args)
    return function.apply(*args)


def _has_amd_cpu() -> bool:
    try:
        return 'AuthenticAMD' in Path('/proc/cpuinfo').read_text()
    except OSError:  # no Linux
        return False


# On a CPU torch gives products to MKL and convolutions to oneDNN. On AMD processors MKL does not use AVX-512: measured
# on an EPYC, 200 GFLOP/s against 350 to 430. On an Intel Xeon MKL reaches 240 to 370 and oneDNN 150 to 320.
AS_CONVOLUTION = _has_amd_cpu()


def matrix_product(a: Tensor, b: Tensor) -> Tensor:
    """`a @ b`; in float32 on an AMD processor as a 1x1 convolution, with errors of the same size.

    Args:
        a (Tensor): (M, K).
        b (Tensor): (K, N), best contiguous.

    Returns:
        Tensor: (M, N).
    """
    if _as_convolution(a):
        return F.conv2d(b[None, :, :, None], a[:, :, None, None])[0, :, :, 0]
    return a @ b


def add_matrix_product(out: Tensor, a: Tensor, b: Tensor) -> None:
    """`out += a @ b` in place, (M, N), (M, K), (K, N); `out` may be of a wider type than the product."""
    if _as_convolution(a) or out.dtype != a.dtype:
        out += matrix_product(a, b)
    else:
        out.addmm_(a, b)


def _as_convolution(a: Tensor) -> bool:
    return AS_CONVOLUTION and a.device.type == 'cpu' and a.dtype == torch.float32
