"""Hierarchical bilinear pooling: the mean over places of products of two projections (Yu et al., 2018, Eq. 5)."""

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor

from .matrix_product import add_matrix_product, matrix_product
from .precision import accumulation_dtype, compute_dtype, no_autocast

# Rows of the projections that are taken at a time: enough for fast products, few enough to stay small beside the maps.
# The direct form holds four matrices of so many rows and a column a place, the Gram form two with a column a channel.
DIRECT_ROWS = 256
GRAM_ROWS = 512


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
            form = _gram_forward if _use_gram(levels, dtype) else _direct_forward
            return form([x.to(dtype) for x in levels], [w.to(dtype) for w in weights], biases)

    @staticmethod
    def backward(ctx, grad):
        levels, weights, biases = _thirds(ctx.saved_tensors, ctx.num_levels)
        with no_autocast(levels[0]):
            form = _gram_backward if _use_gram(levels, ctx.dtype) else _direct_backward
            low = [x.to(ctx.dtype) for x in levels], [w.to(ctx.dtype) for w in weights]
            learned = any(ctx.needs_input_grad[2 + ctx.num_levels :])
            grads = form(*low, biases, grad.view(grad.shape[0], -1, len(weights[0])), learned)
        like = (*levels, *weights, *biases)
        return None, None, *(g if g is None else g.to(t.dtype) for g, t in zip(grads, like, strict=True))


def _thirds(tensors: Sequence[Tensor], num_levels: int) -> tuple[Sequence[Tensor], ...]:
    return tuple(tensors[start : start + num_levels] for start in range(0, 3 * num_levels, num_levels))


def _use_gram(levels: Sequence[Tensor], dtype: torch.dtype) -> bool:
    return dtype in (torch.float32, torch.float64) and levels[0].shape[2] >= max(x.shape[1] for x in levels)


def _chunks(dim: int, rows: int) -> list[slice]:
    return [slice(start, min(start + rows, dim)) for start in range(0, dim, rows)]


def _side_by_side(x: Tensor) -> Tensor:
    """The images side by side: (N, C, L) -> (C, N * L)."""
    return x.transpose(0, 1).flatten(1)


def _project(weights, biases, maps, chunk):
    return [
        matrix_product(w[chunk], x).add_(b[chunk, None].to(x.dtype))
        for w, b, x in zip(weights, biases, maps, strict=True)
    ]


def _direct_forward(levels, weights, biases):
    num, _, size = levels[0].shape
    wide = accumulation_dtype(levels[0].dtype)
    maps = [_side_by_side(x) for x in levels]
    pooled = []
    for chunk in _chunks(len(weights[0]), DIRECT_ROWS):
        parts = _project(weights, biases, maps, chunk)
        # the products in float32: in float16 those of large features overflow
        pairs = [(a.to(wide) * b).unflatten(1, (num, size)).mean(2).T for a, b in combinations(parts, 2)]
        pooled.append(torch.stack(pairs, dim=1))
    return torch.cat(pooled, dim=2).flatten(1)  # (N, pairs, D) -> (N, pairs * D)


def _direct_backward(levels, weights, biases, grad, learned):
    num, _, size = levels[0].shape
    maps = [_side_by_side(x) for x in levels]
    grad = grad.to(maps[0].dtype)  # divided by the number of places at the end: float16 has no digits to lose
    wide = accumulation_dtype(maps[0].dtype)
    grad_maps = [torch.zeros_like(x, dtype=wide) for x in maps]
    grad_weights = [torch.empty_like(w, dtype=wide) for w in weights] if learned else []
    grad_biases = [torch.empty_like(b, dtype=wide) for b in biases] if learned else []
    pairs = list(combinations(range(len(levels)), 2))
    for chunk in _chunks(len(weights[0]), DIRECT_ROWS):
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


def _gram_forward(levels, weights, biases):
    num = levels[0].shape[0]
    sums = [x.mean(2) for x in levels]
    pooled = []
    for i, j in combinations(range(len(levels)), 2):
        gram = _gram(levels[i], levels[j])
        inner = [
            torch.bmm(matrix_product(weights[i][chunk], gram).unflatten(1, (num, -1)), weights[j][chunk, :, None])
            for chunk in _chunks(len(weights[0]), GRAM_ROWS)
        ]
        pair = torch.cat(inner)[:, :, 0].T  # (D, N, 1) -> (N, D)
        first, second = sums[i] @ weights[i].T, sums[j] @ weights[j].T
        pooled.append(pair + first * biases[j] + second * biases[i] + biases[i] * biases[j])
    return torch.cat(pooled, dim=1)


def _gram_backward(levels, weights, biases, grad, learned):
    num, _, size = levels[0].shape
    sums = [x.mean(2) for x in levels]
    grad_levels = [torch.zeros_like(x) for x in levels]
    grad_weights = [torch.zeros_like(w) for w in weights]
    grad_biases = [torch.zeros_like(b) for b in biases]
    for pair, (i, j) in enumerate(combinations(range(len(levels)), 2)):
        gram = _gram(levels[i], levels[j])
        grad_gram = torch.zeros_like(gram)
        for chunk in _chunks(len(weights[0]), GRAM_ROWS):
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
                grad_weights[a] += by_bias.T @ sums[a]
                grad_biases[b] += (grad[:, pair] * (sums[a] @ weights[a].T + biases[a])).sum(0)
    return *grad_levels, *(grad_weights + grad_biases if learned else [None] * (2 * len(levels)))


def _gram(x: Tensor, y: Tensor) -> Tensor:
    """Mean over places of the outer products, the images side by side: (N, C, L), (N, E, L) -> (C, N * E)."""
    gram = torch.bmm(x, y.mT).div_(x.shape[2])
    return _side_by_side(gram)
