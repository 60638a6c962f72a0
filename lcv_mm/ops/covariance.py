"""Covariance pooling and its matrix square root by Newton-Schulz iteration.

Li et al., Towards Faster Training of Global Covariance Pooling Networks by Iterative Matrix Square Root Normalization,
2018, https://arxiv.org/abs/1712.01034
"""

import torch
from torch import Tensor

from .arithmetic import accumulation_dtype, no_autocast


def covariance_pool(x: Tensor) -> Tensor:
    """Covariance of the channels over the spatial positions (Li et al., Eq. 1).

    Args:
        x (Tensor): (N, C, H, W) or (N, C, L), feature maps.

    Returns:
        Tensor: (N, C, C), symmetric and positive semi-definite; float32, or float64 for float64 maps.

    Examples:
        >>> covariance_pool(torch.tensor([[[1.0, 3.0], [2.0, 2.0]]]))
        tensor([[[1., 0.],
                 [0., 0.]]])
    """
    x = x.flatten(2)
    with no_autocast(x):
        x = x.to(accumulation_dtype(x.dtype))
        x = x - x.mean(2, keepdim=True)
        return x @ x.mT / x.shape[2]


def matrix_sqrt(a: Tensor, *, iterations: int = 5) -> Tensor:
    """Square root of positive semi-definite matrices by Newton-Schulz iteration (Li et al., Eq. 3 to 5).

    Each matrix is divided by its trace for convergence, and the result is multiplied by the root of the trace. Small
    eigenvalues converge last: after five iterations, the paper's choice, they are below their exact root.

    Args:
        a (Tensor): (N, C, C). Matrices of zeros stay zero.
        iterations (int): Number of iterations, 1 or more. Defaults to 5.

    Returns:
        Tensor: (N, C, C), with the same dtype.

    Examples:
        >>> matrix_sqrt(torch.tensor([[[4.0, 0.0], [0.0, 9.0]]]), iterations=10).round(decimals=3)
        tensor([[[2., 0.],
                 [0., 3.]]])
    """
    with no_autocast(a):
        trace = a.diagonal(dim1=1, dim2=2).sum(1)[:, None, None].clamp_min(torch.finfo(a.dtype).tiny)
        three = 3 * torch.eye(a.shape[1], dtype=a.dtype, device=a.device)
        y = a / trace
        z = (three - y) / 2  # Y_0 = A, Z_0 = I
        y = y @ z
        for left in reversed(range(iterations - 1)):
            t = (three - z @ y) / 2
            y, z = y @ t, t @ z if left else z  # the last Z is not needed
        return y * trace.sqrt()


def upper_triangle(a: Tensor) -> Tensor:
    """Entries on and above the diagonal, (N, C, C) -> (N, C * (C + 1) / 2), row by row.

    Examples:
        >>> upper_triangle(torch.tensor([[[1, 2], [2, 3]]]))
        tensor([[1, 2, 3]])
    """
    rows, columns = torch.triu_indices(a.shape[1], a.shape[2], device=a.device)
    return a[:, rows, columns]
