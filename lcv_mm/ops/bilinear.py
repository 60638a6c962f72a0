"""Full bilinear pooling, and the signed square root and norm that follow every bilinear pooling.

Lin et al., Bilinear CNN Models for Fine-grained Visual Recognition, 2015, https://arxiv.org/abs/1504.07889
"""

import torch
from torch import Tensor

from .arithmetic import accumulation_dtype, apply_function, no_autocast


def bilinear_pool(x: Tensor, *, y: Tensor | None = None) -> Tensor:
    """Mean over the spatial positions of the outer products, `X Y^T / L`.

    Args:
        x (Tensor): (N, C, H, W) or (N, C, L), feature maps.
        y (Tensor, optional): (N, D, H, W) or (N, D, L), a second map over the same positions. Defaults to `x`
            itself.

    Returns:
        Tensor: (N, C * D), float32, or float64 for float64 maps.

    Raises:
        ValueError: If the maps differ in images or positions.

    Examples:
        >>> bilinear_pool(torch.tensor([[[1.0, 3.0], [2.0, 0.0]]]))
        tensor([[5., 1., 1., 2.]])
    """
    x, y = flatten_positions(x, y)
    return apply_function(_BilinearPool, x, y).flatten(1)


def flatten_positions(x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """Maps (N, C, H, W) -> (N, C, L), and a second one over the same positions; `ValueError` if those differ."""
    x, y = x.flatten(2), None if y is None else y.flatten(2)
    if y is not None and x.shape[::2] != y.shape[::2]:
        raise ValueError(f'x and y must have the same N and L, but got (N, C, L) = {(*x.shape,)} and {(*y.shape,)}')
    return x, y


class _BilinearPool(torch.autograd.Function):
    """Keeps the maps as they come, in low precision too, and not their float32 copies."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        with no_autocast(x):
            wide = x.to(accumulation_dtype(x.dtype))
            other = wide if y is None else y.to(wide.dtype)
            # the mean inside the product's accumulator: no other pass over C * D floats
            return torch.baddbmm(wide.new_zeros(1, 1, 1), wide, other.transpose(1, 2), beta=0, alpha=1 / x.shape[2])

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


def signed_sqrt(x: Tensor, *, eps: float = 1e-10) -> Tensor:
    """Signed square root `sign(x) * sqrt(|x| + eps)` (Lin et al., Sec. 3), 0 at 0.

    Args:
        x (Tensor): pooled features, of any shape.
        eps (float): Added inside the root, above 0: the slope of the square root at 0 is infinite, and pooled ReLU
            maps are full of zeros. Defaults to 1e-10.

    Returns:
        Tensor: of the same shape and type.

    Examples:
        >>> signed_sqrt(torch.tensor([4.0, -9.0, 0.0]))
        tensor([ 2., -3.,  0.])
    """
    return x.sign() * (x.abs() + eps).sqrt()


def normalized_signed_sqrt(x: Tensor, *, eps: float = 1e-10) -> Tensor:
    """`signed_sqrt`, then each row to unit length; a row of zeros stays.

    Args:
        x (Tensor): (N, D), pooled features.
        eps (float): As in `signed_sqrt`. Defaults to 1e-10.

    Returns:
        Tensor: (N, D), of the same type.

    Examples:
        >>> normalized_signed_sqrt(torch.tensor([[9.0, -16.0]]))
        tensor([[ 0.6000, -0.8000]])
    """
    return apply_function(_NormalizedSignedSqrt, x, eps)[0]


class _NormalizedSignedSqrt(torch.autograd.Function):
    """Keeps its output and the lengths alone; step by step, autograd keeps four tensors of the input's size."""

    @staticmethod
    def forward(ctx, x, eps):
        root = x.abs().add_(eps).sqrt_().mul_(x.sign())
        length = torch.linalg.vector_norm(root, dim=1, keepdim=True).clamp_min_(1e-12)
        out = root.div_(length)
        ctx.save_for_backward(out, length)
        return out, length  # the lengths too, so that autograd can differentiate the backward

    @staticmethod
    def backward(ctx, grad, grad_length):
        out, length = ctx.saved_tensors
        # y = r / |r|, r = sign(x) sqrt(|x| + eps):  dr = (g - y <y, g>) / |r|,  dx = dr / (2 |r_i|),  r_i = y_i |r|
        along = torch.linalg.vecdot(out, grad)[:, None] - grad_length * length
        slope = out.abs() * (2 * length * length)
        return torch.addcmul(grad, out, along, value=-1) / slope.masked_fill(slope == 0, float('inf')), None
