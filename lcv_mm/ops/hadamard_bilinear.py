"""Hierarchical bilinear pooling: the mean over places of products of two projections (Yu et al., 2018, Eq. 5)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from . import hadamard_direct, hadamard_gram
from .precision import compute_dtype, no_autocast


def hadamard_bilinear_pool(
    x: Tensor, y: Tensor, wx: Tensor, wy: Tensor, bx: Tensor | None = None, by: Tensor | None = None
) -> Tensor:
    """Mean over places of the product of two projections, `(wx x + bx) * (wy y + by)`.

    Args:
        x (Tensor): (N, C, H, W) or (N, C, L), feature maps.
        y (Tensor): (N, E, H, W) or (N, E, L), feature maps over the same places.
        wx (Tensor): (D, C), projection of `x`.
        wy (Tensor): (D, E), projection of `y`.
        bx (Tensor, optional): (D,), bias of the first projection.
        by (Tensor, optional): (D,), bias of the second.

    Returns:
        Tensor: (N, D), float32, or float64 for float64 maps.

    Raises:
        ValueError: If the maps differ in images or places, or the projections do not match them.
    """
    return hierarchical_bilinear_pool((x, y), (wx, wy), (bx, by))


def hierarchical_bilinear_pool(
    levels: Sequence[Tensor], weights: Sequence[Tensor], biases: Sequence[Tensor | None]
) -> Tensor:
    """`hadamard_bilinear_pool` of every two levels, in the order 12, 13, 23, side by side.

    Nothing stands between projection and product, so that with the Gram matrix `G = X Y^T` the sum over places is
    `rowsum((wx G) * wy)`, and the biases are exact by the sums over places. That takes D C^2 products a pair in place
    of D C L a level: it is used where there are at least as many places L as channels C. Elsewhere, and in low
    precision (where G would overflow float16 and tensor cores make the projections cheap), each level is projected.
    Either way nothing but the maps is kept for backward, which computes the projections again, some rows at a time.

    Args:
        levels (Sequence[Tensor]): feature maps, each (N, C, H, W) or (N, C, L), over the same places.
        weights (Sequence[Tensor]): (D, C), the projection of each level.
        biases (Sequence[Tensor | None]): (D,), its bias, or None.

    Returns:
        Tensor: (N, D * pairs), float32, or float64 for float64 maps.

    Raises:
        ValueError: If the maps differ in images or places, or the projections do not match them.
    """
    levels = [level.flatten(2) for level in levels]  # (N, C, H, W) -> (N, C, L)
    _check(levels, weights, biases)
    filled = [w.new_zeros(len(w)) if b is None else b for w, b in zip(weights, biases, strict=True)]
    return _HadamardPool.apply(len(levels), compute_dtype(levels[0]), *levels, *weights, *filled)


def _check(levels: Sequence[Tensor], weights: Sequence[Tensor], biases: Sequence[Tensor | None]) -> None:
    if any(level.shape[::2] != levels[0].shape[::2] for level in levels):
        raise ValueError(
            'the levels must have the same images and places, but got (N, C, L) = '
            f'{[tuple(level.shape) for level in levels]}; resize them to one resolution first'
        )
    for i, (level, weight, bias) in enumerate(zip(levels, weights, biases, strict=True), start=1):
        dim = len(weights[0])
        if weight.shape != (dim, level.shape[1]) or (bias is not None and bias.shape != (dim,)):
            raise ValueError(
                f'the projection of level {i} must have the weight {(dim, level.shape[1])} and the bias {(dim,)}, but '
                f'has {tuple(weight.shape)} and {None if bias is None else tuple(bias.shape)}'
            )


class _HadamardPool(torch.autograd.Function):
    """Keeps the maps and the parameters, and never a projected map (D C L floats a level) as a whole."""

    @staticmethod
    def forward(ctx, num_levels, dtype, *tensors):
        ctx.save_for_backward(*tensors)
        ctx.num_levels, ctx.dtype = num_levels, dtype
        levels, weights, biases = _thirds(tensors, num_levels)
        with no_autocast(levels[0]):
            form = hadamard_gram if _use_gram(levels, dtype) else hadamard_direct
            return form.forward([x.to(dtype) for x in levels], [w.to(dtype) for w in weights], biases)

    @staticmethod
    def backward(ctx, grad):
        levels, weights, biases = _thirds(ctx.saved_tensors, ctx.num_levels)
        with no_autocast(levels[0]):
            form = hadamard_gram if _use_gram(levels, ctx.dtype) else hadamard_direct
            low = [x.to(ctx.dtype) for x in levels], [w.to(ctx.dtype) for w in weights]
            learned = any(ctx.needs_input_grad[2 + ctx.num_levels :])
            grads = form.backward(*low, biases, grad.view(grad.shape[0], -1, len(weights[0])), learned)
        like = (*levels, *weights, *biases)
        return None, None, *(g if g is None else g.to(t.dtype) for g, t in zip(grads, like, strict=True))


def _thirds(tensors: Sequence[Tensor], num_levels: int) -> tuple[Sequence[Tensor], ...]:
    return tuple(tensors[start : start + num_levels] for start in range(0, 3 * num_levels, num_levels))


def _use_gram(levels: Sequence[Tensor], dtype: torch.dtype) -> bool:
    return dtype in (torch.float32, torch.float64) and levels[0].shape[2] >= max(x.shape[1] for x in levels)
