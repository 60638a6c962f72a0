"""Compact bilinear pooling by tensor sketch.

Gao et al., Compact Bilinear Pooling, 2016, Alg. 2, https://arxiv.org/abs/1511.06062
"""

import math

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from .arithmetic import accumulation_dtype, apply_function, no_autocast
from .bilinear import flatten_positions


def tensor_sketch_pool(
    x: Tensor, h1: Tensor, s1: Tensor, h2: Tensor, s2: Tensor, out_dim: int, *, y: Tensor | None = None
) -> Tensor:
    """Mean of the tensor sketches of each position's outer product over the spatial positions.

    The sketch of one position is the circular convolution of two count sketches. Summing the sketches over positions
    equals adding each entry (i, j) of the Gram matrix `X Y^T`, with sign `s1[i] * s2[j]`, to the bin `(h1[i] + h2[j])
    mod out_dim`. This is exact and needs one matrix product per image, not three Fourier transforms per position. The
    transforms are used where they are cheaper: with few positions and many channels.

    Args:
        x (Tensor): (N, C, H, W) or (N, C, L), feature maps.
        h1 (Tensor): (C,) int64, bin of each channel of `x`, in [0, out_dim).
        s1 (Tensor): (C,), sign of each channel of `x`, -1 or 1.
        h2 (Tensor): (D,) int64, bin of each channel of `y` (of `x` if `y` is None).
        s2 (Tensor): (D,), sign of each channel of `y`.
        out_dim (int): Number of bins of the sketch.
        y (Tensor, optional): (N, D, H, W) or (N, D, L), a second map over the same positions. Defaults to
            `x` itself.

    Returns:
        Tensor: (N, out_dim), float32, or float64 for float64 maps.

    Raises:
        ValueError: If the maps differ in N or L.

    Examples:
        >>> x, h, s = torch.tensor([[[1.0], [2.0]]]), torch.tensor([0, 1]), torch.tensor([1.0, -1.0])
        >>> tensor_sketch_pool(x, h, s, h, s, 4)  # (1 - 2 z)^2
        tensor([[ 1., -4.,  4.,  0.]])
    """
    x, y = flatten_positions(x, y)
    second = x if y is None else y
    # compares C * D additions per image with about log2(out_dim) steps per bin and position; the factor is measured
    few = x.shape[2] < 3 * x.shape[1] * second.shape[1] / (out_dim * math.log2(max(out_dim, 2)))
    if few and not torch.compiler.is_compiling() and not torch.jit.is_tracing():
        # saves only the maps for backward
        return checkpoint(_sketch_each, x, y, h1, s1, h2, s2, out_dim, use_reentrant=False, preserve_rng_state=False)
    return apply_function(_SketchedGram, x, y, h1, s1, h2, s2, out_dim)


def _sketch_each(x: Tensor, y: Tensor | None, h1: Tensor, s1: Tensor, h2: Tensor, s2: Tensor, out_dim: int) -> Tensor:
    """The definition: count sketches per position, convolved by Fourier transforms and summed in frequency."""
    spectra = []
    with no_autocast(x):
        for maps, h, s in ((x, h1, s1), (x if y is None else y, h2, s2)):
            rows = maps.to(accumulation_dtype(x.dtype)).mT * s  # (N, C, L) -> (N, L, C)
            spectra.append(torch.fft.rfft(rows.new_zeros(*rows.shape[:2], out_dim).index_add(2, h, rows)))
        return torch.fft.irfft((spectra[0] * spectra[1]).sum(1), n=out_dim) / x.shape[2]


def _indices(h1: Tensor, s1: Tensor, h2: Tensor, s2: Tensor, out_dim: int) -> Tensor:
    """Index of each entry of the Gram matrix in a signed table (`_to_table`), row by row: (C,), (D,) -> (C * D,).

    For 0, 1 and 2 negative signs, the table holds all bins twice. Thus `h1 + h2` needs no modulo, and no entry is
    multiplied by its sign. Together, these took 10 to 24 % of the sketch's time.
    """
    first, second = (h + 2 * out_dim * (s < 0) for h, s in ((h1, s1), (h2, s2)))
    return (first[:, None] + second).flatten()


def _to_table(sketch: Tensor) -> Tensor:
    """(N, out_dim) -> (N, 6 * out_dim): the bins for entries with 0, 1 and 2 negative signs, each twice."""
    return torch.cat([sketch, sketch, -sketch, -sketch, sketch, sketch], dim=1)


def _from_table(table: Tensor) -> Tensor:
    """The transpose of `_to_table`: (N, 6 * out_dim) -> (N, out_dim)."""
    zero, single, double = table.unflatten(1, (3, 2, -1)).sum(2).unbind(1)
    return zero - single + double


class _SketchedGram(torch.autograd.Function):
    """Saves only the feature maps for backward; autograd's own rules would need one more product."""

    @staticmethod
    def forward(ctx, x, y, h1, s1, h2, s2, out_dim):
        ctx.save_for_backward(x, y, h1, s1, h2, s2)
        ctx.out_dim = out_dim
        with no_autocast(x):
            wide = x.to(accumulation_dtype(x.dtype))
            other = wide if y is None else y.to(wide.dtype)
            gram = torch.bmm(wide, other.transpose(1, 2)).flatten(1)  # (N, C, L), (N, D, L) -> (N, C * D)
            indices = _indices(h1, s1, h2, s2, out_dim).expand_as(gram)
            # shape[0] instead of len(), which would fix the batch size of an exported model
            table = gram.new_zeros(gram.shape[0], 6 * out_dim).scatter_add(1, indices, gram)
            return _from_table(table) / x.shape[2]

    @staticmethod
    def backward(ctx, grad):
        x, y, h1, s1, h2, s2 = ctx.saved_tensors
        with no_autocast(x):
            table = _to_table(grad / x.shape[2])
            grad_gram = table.index_select(1, _indices(h1, s1, h2, s2, ctx.out_dim))
            if y is None:
                # G + G^T by a second gather: for large C, a strided transpose misses the cache at each step
                grad_gram += table.index_select(1, _indices(h2, s2, h1, s1, ctx.out_dim))
            grad_gram = grad_gram.unflatten(1, (len(h1), len(h2)))
            second = x if y is None else y
            grad_x = torch.bmm(grad_gram, second.to(grad.dtype)).to(x.dtype)
            grad_y = None if y is None else torch.bmm(grad_gram.mT, x.to(grad.dtype)).to(y.dtype)
        return grad_x, grad_y, None, None, None, None, None
