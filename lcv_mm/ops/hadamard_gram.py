"""Hadamard bilinear pooling through the Gram matrix of two levels, some rows of the projections at a time."""

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor

from .matrix_product import add_matrix_product, matrix_product, row_slices, side_by_side

# Rows of the projections at a time: enough for fast products, few enough to stay small beside the maps. Backward holds
# two matrices of so many rows and a column for each channel of each image.
ROWS = 512


def forward(levels: Sequence[Tensor], weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
    """Pool levels (N, C, L) by projections (D, C) and biases (D,): (N, pairs * D)."""
    num = levels[0].shape[0]
    sums = [x.mean(2) for x in levels]
    pooled = []
    for i, j in combinations(range(len(levels)), 2):
        gram = _gram(levels[i], levels[j])
        inner = [
            torch.bmm(matrix_product(weights[i][chunk], gram).unflatten(1, (num, -1)), weights[j][chunk, :, None])
            for chunk in row_slices(len(weights[0]), ROWS)
        ]
        pair = torch.cat(inner)[:, :, 0].T  # (D, N, 1) -> (N, D)
        first, second = sums[i] @ weights[i].T, sums[j] @ weights[j].T
        pooled.append(pair + first * biases[j] + second * biases[i] + biases[i] * biases[j])
    return torch.cat(pooled, dim=1)


def backward(
    levels: Sequence[Tensor], weights: Sequence[Tensor], biases: Sequence[Tensor], grad: Tensor, learned: bool
) -> tuple[Tensor | None, ...]:
    """Gradients of levels, weights and biases from that of the pairs (N, pairs, D); None for what is not learned."""
    num, _, size = levels[0].shape
    sums = [x.mean(2) for x in levels]
    grad_levels = [torch.zeros_like(x) for x in levels]
    grad_weights = [torch.zeros_like(w) for w in weights]
    grad_biases = [torch.zeros_like(b) for b in biases]
    for pair, (i, j) in enumerate(combinations(range(len(levels)), 2)):
        gram = _gram(levels[i], levels[j])
        grad_gram = torch.zeros_like(gram)
        for chunk in row_slices(len(weights[0]), ROWS):
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
    return side_by_side(gram)
