"""Hadamard bilinear pooling by projecting each place, some rows of the projections at a time."""

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor

from .matrix_product import add_matrix_product, matrix_product, row_slices, side_by_side
from .precision import accumulation_dtype

# Rows of the projections at a time: enough for fast products, few enough to stay small beside the maps. Backward holds
# four matrices of so many rows and a column a place.
ROWS = 256


def _project(weights, biases, maps, chunk):
    return [
        matrix_product(w[chunk], x).add_(b[chunk, None].to(x.dtype))
        for w, b, x in zip(weights, biases, maps, strict=True)
    ]


def forward(levels: Sequence[Tensor], weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
    """Pool levels (N, C, L) by projections (D, C) and biases (D,): (N, pairs * D)."""
    num, _, size = levels[0].shape
    wide = accumulation_dtype(levels[0].dtype)
    maps = [side_by_side(x) for x in levels]
    pooled = []
    for chunk in row_slices(len(weights[0]), ROWS):
        parts = _project(weights, biases, maps, chunk)
        # the products in float32: in float16 those of large features overflow
        pairs = [(a.to(wide) * b).unflatten(1, (num, size)).mean(2).T for a, b in combinations(parts, 2)]
        pooled.append(torch.stack(pairs, dim=1))
    return torch.cat(pooled, dim=2).flatten(1)  # (N, pairs, D) -> (N, pairs * D)


def backward(
    levels: Sequence[Tensor], weights: Sequence[Tensor], biases: Sequence[Tensor], grad: Tensor, learned: bool
) -> tuple[Tensor | None, ...]:
    """Gradients of levels, weights and biases from that of the pairs (N, pairs, D); None for what is not learned."""
    num, _, size = levels[0].shape
    maps = [side_by_side(x) for x in levels]
    grad = grad.to(maps[0].dtype)  # divided by the number of places at the end: float16 has no digits to lose
    wide = accumulation_dtype(maps[0].dtype)
    grad_maps = [torch.zeros_like(x, dtype=wide) for x in maps]
    grad_weights = [torch.empty_like(w, dtype=wide) for w in weights] if learned else []
    grad_biases = [torch.empty_like(b, dtype=wide) for b in biases] if learned else []
    pairs = list(combinations(range(len(levels)), 2))
    for chunk in row_slices(len(weights[0]), ROWS):
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
