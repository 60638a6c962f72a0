"""The literature's formulations of the parts: one transform per position, three convolutions, loops."""

from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor


def tensor_sketch_by_fft(x: Tensor, h1: Tensor, s1: Tensor, h2: Tensor, s2: Tensor, out_dim: int) -> Tensor:
    """Count sketches of each position, multiplied and summed over the positions in the frequency domain (autograd)."""
    rows = x.flatten(2).mT  # (N, C, L) -> (N, L, C)
    spectra = [
        torch.fft.rfft(rows.new_zeros(*rows.shape[:2], out_dim).index_add(2, h, rows * s))
        for h, s in ((h1, s1), (h2, s2))
    ]
    return torch.fft.irfft((spectra[0] * spectra[1]).sum(1), n=out_dim) / rows.shape[1]


def three_convolutions(levels: list[Tensor], weights: list[Tensor], biases: list[Tensor]) -> Tensor:
    """HBP: each level projected by a 1x1 convolution, products of every two, averaged over the positions (autograd)."""
    maps = [F.conv2d(x, w[:, :, None, None], b).flatten(2) for x, w, b in zip(levels, weights, biases, strict=True)]
    return torch.cat([(a * b).mean(2) for a, b in combinations(maps, 2)], dim=1)


def plain_bilinear(x: Tensor, eps: float = 1e-10) -> Tensor:
    """BCNN: the product of the map with itself, signed square root, L2 norm (autograd)."""
    x = x.flatten(2)
    gram = (torch.bmm(x, x.mT) / x.shape[2]).flatten(1)
    return F.normalize(gram.sign() * (gram.abs() + eps).sqrt())


def loop_over_pairs(feats: Tensor, labels: Tensor, margin: float = 1.0) -> Tensor:
    """The class-variance loss, hinge on unit-length features, as a loop over the pairs (autograd)."""
    rows = F.normalize(feats.flatten(1))
    terms: dict[bool, list[Tensor]] = {True: [], False: []}
    for i, j in combinations(range(len(rows)), 2):
        distance = (rows[i] - rows[j]).square().sum().sqrt()
        same = bool(labels[i] == labels[j])
        terms[same].append(distance if same else (margin - distance).relu())
    return sum((torch.stack(values).mean() for values in terms.values() if values), feats.new_zeros(()))


def covariance_root_by_loop(x: Tensor, iterations: int = 5) -> Tensor:
    """iSQRT-COV as in its authors' MPNCOV.py (fast-MPN-COV), by autograd: (N, C, H, W) -> (N, C * (C + 1) / 2)."""
    n, c, positions = x.shape[0], x.shape[1], x[0, 0].numel()
    x = x.flatten(2)
    centre = torch.eye(positions, device=x.device) / positions - 1 / positions**2
    cov = x @ centre @ x.mT
    identity = torch.eye(c, device=x.device)
    trace = cov.diagonal(dim1=1, dim2=2).sum(1).view(n, 1, 1)
    a = cov / trace
    zy = 0.5 * (3 * identity - a)
    y, z = a @ zy, zy
    for _ in range(iterations - 2):
        zy = 0.5 * (3 * identity - z @ y)
        y, z = y @ zy, zy @ z
    root = 0.5 * y @ (3 * identity - z @ y) * trace.sqrt()
    rows, columns = torch.triu_indices(c, c, device=x.device)
    return root[:, rows, columns]
