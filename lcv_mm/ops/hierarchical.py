"""Pooled products of two projections: hierarchical bilinear pooling and random Maclaurin.

Yu et al., Hierarchical Bilinear Pooling for Fine-Grained Visual Recognition, 2018, https://arxiv.org/abs/1807.09915
Gao et al., Compact Bilinear Pooling, 2016, https://arxiv.org/abs/1511.06062
"""

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor

from .arithmetic import (
    accumulation_dtype,
    add_matrix_product,
    apply_function,
    compute_dtype,
    matrix_product,
    no_autocast,
)

Tensors = Sequence[Tensor]

# Rows of the projections computed at a time: enough for fast products, and small compared with the maps. In backward,
# the direct form holds four matrices with this many rows and one column per position; the Gram form holds two, with
# one column per channel of each image.
ROWS = 512


def hadamard_bilinear_pool(
    x: Tensor, y: Tensor, wx: Tensor, wy: Tensor, *, bx: Tensor | None = None, by: Tensor | None = None
) -> Tensor:
    """Mean of `(wx x + bx) * (wy y + by)`, the product of two projections, over the positions (Yu et al., Eq. 5).

    Args:
        x (Tensor): (N, C, H, W) or (N, C, L), feature maps.
        y (Tensor): (N, E, H, W) or (N, E, L), feature maps over the same positions.
        wx (Tensor): (D, C), projection of `x`.
        wy (Tensor): (D, E), projection of `y`.
        bx (Tensor, optional): (D,), bias of the first projection. Defaults to None.
        by (Tensor, optional): (D,), bias of the second projection. Defaults to None.

    Returns:
        Tensor: (N, D), float32, or float64 for float64 maps.

    Raises:
        ValueError: If the maps differ in N or L, or the projections in D.

    Examples:
        >>> x, y = torch.tensor([[[1.0], [2.0]]]), torch.tensor([[[3.0]]])
        >>> hadamard_bilinear_pool(x, y, torch.ones(4, 2), torch.ones(4, 1), by=torch.arange(4))
        tensor([[ 9., 12., 15., 18.]])
    """
    return hierarchical_bilinear_pool((x, y), (wx, wy), (bx, by))


def random_maclaurin_pool(x: Tensor, w1: Tensor, w2: Tensor, *, y: Tensor | None = None) -> Tensor:
    """Mean of `(w1 x) * (w2 y)` over the positions, for fixed random signs `w1` and `w2` (Gao et al., Alg. 1).

    For two single positions, the expected inner product of these features is `out_dim` times the square of the
    positions' inner product. Alg. 1 divides by the root of `out_dim`; the L2 norm that follows removes this factor.

    Args:
        x (Tensor): (N, C, H, W) or (N, C, L), feature maps.
        w1 (Tensor): (out_dim, C), of -1 and 1.
        w2 (Tensor): (out_dim, D), of -1 and 1.
        y (Tensor, optional): (N, D, H, W) or (N, D, L), a second map over the same positions. Defaults to
            `x` itself.

    Returns:
        Tensor: (N, out_dim), float32, or float64 for float64 maps.

    Raises:
        ValueError: If the maps differ in N or L, or the signs in `out_dim`.

    Examples:
        >>> x, signs = torch.tensor([[[2.0], [3.0]]]), torch.tensor([[1.0, -1.0], [1.0, 1.0]])
        >>> random_maclaurin_pool(x, signs, torch.ones(2, 2))
        tensor([[-5., 25.]])
    """
    return hadamard_bilinear_pool(x, x if y is None else y, w1, w2)


def hierarchical_bilinear_pool(levels: Tensors, weights: Tensors, biases: Sequence[Tensor | None]) -> Tensor:
    """`hadamard_bilinear_pool` of every pair of levels, concatenated in the order 12, 13, 23.

    The projections are multiplied without a nonlinearity. With the Gram matrix `G = X Y^T`, the sum over positions is
    therefore `rowsum((wx G) * wy)`; the biases need only the sums of the maps. This costs D C^2 per pair, projecting a
    level D C L. The first is used if there are at least as many positions L as channels C. Otherwise, and in low
    precision, the levels are projected: G would overflow float16, and tensor cores make projections cheap. Both forms
    save only the maps for backward, which computes the projections again, some rows at a time.

    Args:
        levels (Sequence[Tensor]): feature maps, each (N, C, H, W) or (N, C, L), over the same positions.
        weights (Sequence[Tensor]): (D, C), the projection of each level.
        biases (Sequence[Tensor | None]): (D,), the bias of each projection, or None.

    Returns:
        Tensor: (N, D * pairs), float32, or float64 for float64 maps.

    Raises:
        ValueError: If there are fewer than two levels, or the maps differ in N or L, or the projections in D.

    Examples:
        >>> levels, weights = [torch.rand(2, c, 4, 4) for c in (3, 5, 7)], [torch.rand(6, c) for c in (3, 5, 7)]
        >>> hierarchical_bilinear_pool(levels, weights, [None] * 3).shape
        torch.Size([2, 18])
    """
    levels = [level.flatten(2) for level in levels]  # (N, C, H, W) -> (N, C, L)
    if len(levels) < 2:
        raise ValueError(f'expected two levels or more, but got {len(levels)}')
    if any(level.shape[::2] != levels[0].shape[::2] for level in levels):
        raise ValueError(f'levels (N, C, L) must have the same N and L, but got {[(*x.shape,) for x in levels]}')
    dim = len(weights[0])
    if any(len(weight) != dim for weight in weights):
        raise ValueError(f'the projections must have equally many rows, got {[len(weight) for weight in weights]}')
    filled = [w.new_zeros(dim) if b is None else b for _, w, b in zip(levels, weights, biases, strict=True)]
    return apply_function(_HadamardPool, len(levels), compute_dtype(levels[0]), *levels, *weights, *filled)


class _HadamardPool(torch.autograd.Function):
    """Saves only maps and parameters for backward, and never holds a full projected map (N D L floats per level)."""

    @staticmethod
    def forward(ctx, num_levels, dtype, *tensors):
        ctx.save_for_backward(*tensors)
        ctx.num_levels, ctx.dtype = num_levels, dtype
        levels, weights, biases = _thirds(tensors, num_levels)
        with no_autocast(levels[0]):
            pool = _gram_forward if _use_gram(levels, dtype) else _direct_forward
            return pool([x.to(dtype) for x in levels], [w.to(dtype) for w in weights], biases)

    @staticmethod
    def backward(ctx, grad):
        levels, weights, biases = _thirds(ctx.saved_tensors, ctx.num_levels)
        with no_autocast(levels[0]):
            gradients = _gram_backward if _use_gram(levels, ctx.dtype) else _direct_backward
            low = [x.to(ctx.dtype) for x in levels], [w.to(ctx.dtype) for w in weights]
            learned = any(ctx.needs_input_grad[2 + ctx.num_levels :])
            grads = gradients(*low, biases, grad.view(grad.shape[0], -1, len(weights[0])), learned)
        like = (*levels, *weights, *biases)
        return None, None, *(g if g is None else g.to(t.dtype) for g, t in zip(grads, like, strict=True))


def _thirds(tensors: Tensors, num_levels: int) -> tuple[Tensors, ...]:
    return tuple(tensors[start : start + num_levels] for start in range(0, 3 * num_levels, num_levels))


def _use_gram(levels: Tensors, dtype: torch.dtype) -> bool:
    return dtype in (torch.float32, torch.float64) and levels[0].shape[2] >= max(x.shape[1] for x in levels)


def _side_by_side(x: Tensor) -> Tensor:
    """Put the images side by side, for one product with all of them: (N, C, L) -> (C, N * L)."""
    return x.transpose(0, 1).flatten(1)


def _row_slices(dim: int) -> list[slice]:
    return [slice(start, min(start + ROWS, dim)) for start in range(0, dim, ROWS)]


# Both forms, direct and Gram, pool levels (N, C, L) with projections (D, C) and biases (D,) to (N, pairs * D). Backward
# turns the gradient of the pairs (N, pairs, D) into those of levels, weights and biases; these are None if not learned.


def _project(weights: Tensors, biases: Tensors, maps: Tensors, chunk: slice) -> list[Tensor]:
    return [
        matrix_product(w[chunk], x).add_(b[chunk, None].to(x.dtype))
        for w, b, x in zip(weights, biases, maps, strict=True)
    ]


def _direct_forward(levels: Tensors, weights: Tensors, biases: Tensors) -> Tensor:
    num, _, size = levels[0].shape
    wide = accumulation_dtype(levels[0].dtype)
    maps = [_side_by_side(x) for x in levels]
    pooled = []
    for chunk in _row_slices(len(weights[0])):
        parts = _project(weights, biases, maps, chunk)
        # products in float32: in float16, those of large features overflow
        pairs = [(a.to(wide) * b).unflatten(1, (num, size)).mean(2).T for a, b in combinations(parts, 2)]
        pooled.append(torch.stack(pairs, dim=1))
    return torch.cat(pooled, dim=2).flatten(1)  # (N, pairs, D) -> (N, pairs * D)


def _direct_backward(levels: Tensors, weights: Tensors, biases: Tensors, grad: Tensor, learned: bool) -> tuple:
    num, _, size = levels[0].shape
    maps = [_side_by_side(x) for x in levels]
    grad = grad.to(maps[0].dtype)  # the division by the number of positions comes last, to keep precision in float16
    wide = accumulation_dtype(maps[0].dtype)
    grad_maps = [torch.zeros_like(x, dtype=wide) for x in maps]
    grad_weights = [torch.empty_like(w, dtype=wide) for w in weights] if learned else []
    grad_biases = [torch.empty_like(b, dtype=wide) for b in biases] if learned else []
    pairs = list(combinations(range(len(levels)), 2))
    for chunk in _row_slices(len(weights[0])):
        parts = [part.unflatten(1, (num, size)) for part in _project(weights, biases, maps, chunk)]
        for i, weight in enumerate(weights):
            grad_part = torch.zeros_like(parts[i])
            for pair, (a, b) in enumerate(pairs):
                if i in (a, b):
                    grad_part.addcmul_(grad[:, pair, chunk].T[:, :, None], parts[a + b - i])  # (k, N, 1), (k, N, L)
            grad_part = grad_part.flatten(1)
            add_matrix_product(grad_maps[i], weight[chunk].T, grad_part)
            if learned:
                grad_weights[i][chunk] = matrix_product(maps[i], grad_part.T).T
                grad_biases[i][chunk] = grad_part.sum(1, dtype=wide)
    grad_levels = [g.div_(size).unflatten(1, (num, size)).transpose(0, 1) for g in grad_maps]
    if not learned:
        return *grad_levels, *[None] * (2 * len(levels))
    return *grad_levels, *(g.div_(size) for g in (*grad_weights, *grad_biases))


def _gram(x: Tensor, y: Tensor) -> Tensor:
    """Mean outer products over the positions, with the images side by side: (N, C, L), (N, E, L) -> (C, N * E)."""
    return _side_by_side(torch.bmm(x, y.transpose(1, 2)).div_(x.shape[2]))


def _gram_forward(levels: Tensors, weights: Tensors, biases: Tensors) -> Tensor:
    num = levels[0].shape[0]
    means = [x.mean(2) for x in levels]
    pooled = []
    for i, j in combinations(range(len(levels)), 2):
        gram = _gram(levels[i], levels[j])
        inner = [
            torch.bmm(matrix_product(weights[i][chunk], gram).unflatten(1, (num, -1)), weights[j][chunk, :, None])
            for chunk in _row_slices(len(weights[0]))
        ]
        pair = torch.cat(inner)[:, :, 0].T  # (D, N, 1) -> (N, D)
        first, second = means[i] @ weights[i].T, means[j] @ weights[j].T
        pooled.append(pair + first * biases[j] + second * biases[i] + biases[i] * biases[j])
    return torch.cat(pooled, dim=1)


def _gram_backward(levels: Tensors, weights: Tensors, biases: Tensors, grad: Tensor, learned: bool) -> tuple:
    num, _, size = levels[0].shape
    means = [x.mean(2) for x in levels]
    grad_levels, grad_weights, grad_biases = ([torch.zeros_like(t) for t in ts] for ts in (levels, weights, biases))
    for pair, (i, j) in enumerate(combinations(range(len(levels)), 2)):
        gram = _gram(levels[i], levels[j])
        grad_gram = torch.zeros_like(gram)
        for chunk in _row_slices(len(weights[0])):
            g = grad[:, pair, chunk].T.contiguous()  # (k, N)
            weighted = (weights[j][chunk, None] * g[:, :, None]).flatten(1)  # (k, N * C)
            add_matrix_product(grad_gram, weights[i][chunk].T, weighted)
            if learned:
                grad_weights[i][chunk] += matrix_product(gram, weighted.T).T
                inner = matrix_product(weights[i][chunk], gram).unflatten(1, (num, -1))
                grad_weights[j][chunk] += torch.bmm(g[:, None], inner)[:, 0]  # the sum over the images
        grad_gram = grad_gram.view(-1, num, levels[j].shape[1]).transpose(0, 1) / size
        grad_levels[i].baddbmm_(grad_gram, levels[j])
        grad_levels[j].baddbmm_(grad_gram.mT, levels[i])
        for a, b in ((i, j), (j, i)):
            by_bias = grad[:, pair] * biases[b]
            grad_levels[a] += (by_bias @ weights[a] / size)[:, :, None]
            if learned:
                grad_weights[a] += by_bias.T @ means[a]
                grad_biases[b] += (grad[:, pair] * (means[a] @ weights[a].T + biases[a])).sum(0)
    return *grad_levels, *(grad_weights + grad_biases if learned else [None] * (2 * len(levels)))
