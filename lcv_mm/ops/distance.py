"""Euclidean distances between all rows of a batch."""

import torch
from torch import Tensor

from .precision import accumulation_dtype, no_autocast

# Columns taken to float64 at a time: 16 rows of it are 2 MB, which stays in the cache of one core.
CHUNK = 16384
# Squared distances below this share of the squared lengths are rounding noise of float32 features: taken as 0.
RESOLUTION = 1e-14


def pairwise_distance(x: Tensor) -> Tensor:
    """Euclidean distance between every two rows.

    The Gram matrix of the rows is summed in float64, after a common shift by the first row, so that a distance of
    1e-4 of the rows' length keeps 6 digits (in float32 it keeps none). Never builds an (N, N, D) tensor.
    The gradient at distance 0 is 0.

    Args:
        x (Tensor): (N, D), one row a sample.

    Returns:
        Tensor: (N, N), symmetric, 0 on the diagonal; float32, or float64 for float64 rows.

    Raises:
        ValueError: If `x` is not a matrix.
    """
    return _distance(_gram(x, shift=True)).to(accumulation_dtype(x.dtype))


def normalized_pairwise_distance(x: Tensor) -> Tensor:
    """Euclidean distance between every two rows, each scaled to unit length (a row of zeros stays): in [0, 2].

    As `pairwise_distance`, and the scaling is done on the Gram matrix: no scaled copy of the rows is made or kept.
    """
    gram = _gram(x, shift=False)
    scale = gram.diagonal().clamp_min(1e-24).rsqrt()
    return _distance(gram * scale[:, None] * scale).to(accumulation_dtype(x.dtype))


def _distance(gram: Tensor) -> Tensor:
    """Distances (N, N) from the Gram matrix: |a - b|^2 = |a|^2 + |b|^2 - 2ab."""
    square = gram.diagonal()
    lengths = square[:, None] + square
    squared = lengths - 2 * gram
    apart = (squared > RESOLUTION * lengths).fill_diagonal_(False)
    root = torch.where(apart, squared, 1.0).sqrt()  # the slope of the root at 0 is infinite: keep 0 away from it
    return torch.where(apart, root, 0.0)


def _gram(x: Tensor, shift: bool) -> Tensor:
    if x.ndim != 2:
        raise ValueError(f'x must have the shape (N, D), but got {tuple(x.shape)}; flatten the maps first')
    return _Gram.apply(x, shift)


class _Gram(torch.autograd.Function):
    """Gram matrix (N, N) in float64 of rows in any type, without a copy of the rows in float64.

    With `shift` the first row is taken off all; its gradient is right for what does not depend on a common shift.
    """

    @staticmethod
    def forward(ctx, x, shift):
        ctx.save_for_backward(x)
        ctx.shift = shift
        gram = x.new_zeros(len(x), len(x), dtype=torch.float64)
        with no_autocast(x):
            for chunk in x.split(CHUNK, dim=1):
                chunk = chunk.double()
                if shift:
                    chunk = chunk - chunk[:1]
                gram = gram.addmm(chunk, chunk.T)
        return gram

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        with no_autocast(x):
            wide = x.to(accumulation_dtype(x.dtype))
            if ctx.shift:
                wide = wide - wide[:1]
            return ((grad + grad.T).to(wide.dtype) @ wide).to(x.dtype), None
