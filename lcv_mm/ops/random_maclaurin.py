"""Compact bilinear pooling by random Maclaurin projection (Gao et al., Compact Bilinear Pooling, Alg. 1)."""

from torch import Tensor

from .hadamard_bilinear import hadamard_bilinear_pool


def random_maclaurin_pool(x: Tensor, w1: Tensor, w2: Tensor, y: Tensor | None = None) -> Tensor:
    """Mean over places of `(w1 x) * (w2 y)`, for fixed random signs `w1` and `w2`.

    Over the draws of the signs, the inner product of two such features of single places is `out_dim` times the square
    of the places' inner product (Alg. 1 divides by the root of `out_dim`; the L2 norm that follows removes it).

    Args:
        x (Tensor): (N, C, H, W) or (N, C, L), feature maps.
        w1 (Tensor): (out_dim, C), of -1 and 1.
        w2 (Tensor): (out_dim, D), of -1 and 1.
        y (Tensor, optional): (N, D, H, W) or (N, D, L), a second map over the same places. None: `x` itself.

    Returns:
        Tensor: (N, out_dim), float32, or float64 for float64 maps.

    Raises:
        ValueError: If the maps differ in images or places, or the signs do not match their channels.
    """
    return hadamard_bilinear_pool(x, x if y is None else y, w1, w2)
