"""Accumulation dtypes, autocast helpers and matrix products tuned for CPUs."""

from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor


def accumulation_dtype(dtype: torch.dtype) -> torch.dtype:
    """float64 for float64, otherwise float32: the sum of squares of a feature map overflows float16."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def widest_dtype(device: torch.device) -> torch.dtype:
    """float64, for sums with cancellation; float32 on Apple's MPS, which has no float64."""
    return torch.float32 if device.type == 'mps' else torch.float64


def no_autocast(x: Tensor) -> AbstractContextManager:
    """Disable autocast on the device of `x`: otherwise it undoes `.float()` at the next matrix product."""
    return torch.autocast(x.device.type, enabled=False)


def compute_dtype(x: Tensor) -> torch.dtype:
    """The dtype of a matrix product with `x`: autocast's dtype if autocast is enabled, otherwise the dtype of `x`."""
    device = x.device.type
    if x.dtype != torch.float64 and torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return x.dtype


def apply_function(function: type[torch.autograd.Function], *args):
    """Call `function.apply`; under `torch.jit.trace` only its forward: TorchScript can't store Python functions."""
    if torch.jit.is_tracing():
        return function.forward(SimpleNamespace(save_for_backward=lambda *tensors: None), *args)
    return function.apply(*args)


def _has_amd_cpu() -> bool:
    try:
        return 'AuthenticAMD' in Path('/proc/cpuinfo').read_text()
    except OSError:  # not Linux
        return False


# On a CPU, torch sends products to MKL and convolutions to oneDNN. MKL does not use AVX-512 on AMD processors: on an
# EPYC, MKL reaches 200 GFLOP/s and oneDNN 350 to 430. On an Intel Xeon, MKL reaches 240 to 370 and oneDNN 150 to 320.
AS_CONVOLUTION = _has_amd_cpu()


def matrix_product(a: Tensor, b: Tensor) -> Tensor:
    """`a @ b`; in float32 on an AMD processor, computed as a 1x1 convolution with the same accuracy.

    Args:
        a (Tensor): (M, K).
        b (Tensor): (K, N), preferably contiguous.

    Returns:
        Tensor: (M, N).
    """
    if _as_convolution(a):
        return F.conv2d(b[None, :, :, None], a[:, :, None, None])[0, :, :, 0]
    return a @ b


def add_matrix_product(out: Tensor, a: Tensor, b: Tensor) -> None:
    """`out += a @ b` in place, (M, N), (M, K), (K, N); `out` may have a wider dtype than the product."""
    if _as_convolution(a) or out.dtype != a.dtype:
        out += matrix_product(a, b)
    else:
        out.addmm_(a, b)


def _as_convolution(a: Tensor) -> bool:
    return AS_CONVOLUTION and a.device.type == 'cpu' and a.dtype == torch.float32
