"""The matrix product of two large float32 matrices, as fast as the processor has it."""

import torch
import torch.nn.functional as F
from torch import Tensor


def matrix_product(a: Tensor, b: Tensor) -> Tensor:
    """`a @ b`; in float32 on a CPU as a 1x1 convolution.

    There torch gives convolutions to oneDNN and products to MKL, which on AMD processors does not use AVX-512: measured
    on an EPYC, 350 to 430 GFLOP/s against 200, with errors of the same size. `b` should be contiguous.

    Args:
        a (Tensor): (M, K).
        b (Tensor): (K, N).

    Returns:
        Tensor: (M, N).
    """
    if a.device.type == 'cpu' and a.dtype == torch.float32:
        return F.conv2d(b[None, :, :, None], a[:, :, None, None])[0, :, :, 0]
    return a @ b
