"""Full bilinear pooling (Lin et al., Bilinear CNN Models for Fine-grained Visual Recognition)."""

import torch
from torch import Tensor

from .precision import accumulation_dtype, no_autocast


def bilinear_pool(x: Tensor, y: Tensor | None = None) -> Tensor:
    """Mean over places of the outer products, `X Y^T / L`.

    Args:
        x (Tensor): (N, C, H, W) or (N, C, L), feature maps.
        y (Tensor, optional): (N, D, H, W) or (N, D, L), a second map over the same places. None: `x` itself.

    Returns:
        Tensor: (N, C * D), float32, or float64 for float64 maps.

    Raises:
        ValueError: If the maps differ in images or places.
    """
    x = x.flatten(2)  # (N, C, H, W) -> (N, C, L)
    y = None if y is None else y.flatten(2)
    if y is not None and x.shape[::2] != y.shape[::2]:
        raise ValueError(
            f'x and y must have the same images and places, but got (N, C, L) = {tuple(x.shape)} and {tuple(y.shape)}'
        )
    return _BilinearPool.apply(x, y).flatten(1)


class _BilinearPool(torch.autograd.Function):
    """Keeps the maps as they come, in low precision too, and not their float32 copies."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        with no_autocast(x):
            wide = x.to(accumulation_dtype(x.dtype))
            other = wide if y is None else y.to(wide.dtype)
            # the mean inside the product's accumulator: no pass over C * D floats of its own
            return torch.baddbmm(wide.new_zeros(1, 1, 1), wide, other.mT, beta=0, alpha=1 / x.shape[2])

    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        with no_autocast(x):
            size = x.shape[2]  # the mean is taken off the gradients of the maps, which are smaller than the pool's
            if y is None:  # both gradients in one product
                return (torch.bmm(grad + grad.mT, x.to(grad.dtype)) / size).to(x.dtype), None
            grad_x = (torch.bmm(grad, y.to(grad.dtype)) / size).to(x.dtype)
            grad_y = (torch.bmm(grad.mT, x.to(grad.dtype)) / size).to(y.dtype)
        return grad_x, grad_y
