"""Full bilinear pooling, and the signed square root and L2 norm that follow every bilinear pooling.

Lin et al., Bilinear CNN Models for Fine-grained Visual Recognition, 2015, https://arxiv.org/abs/1504.07889
"""

import torch
from torch import Tensor

from .arithmetic import accumulation_dtype, apply_function, no_autocast


def bilinear_pool(x: Tensor, *, y: Tensor | None = None) -> Tensor:
    """Mean of the outer products over the spatial positions, `X Y^T / L`.

    Args:
        x (Tensor): (N, C, H, W) or (N, C, L), feature maps.
        y (Tensor, optional): (N, D, H, W) or (N, D, L), a second map over the same positions. Defaults to `x`
            itself.

    Returns:
        Tensor: (N, C * D), float32, or float64 for float64 maps.

    Raises:
        ValueError: If the maps differ in N or L.

    Examples:
        >>> bilinear_pool(torch.tensor([[[1.0, 3.0], [2.0, 0.0]]]))
        tensor([[5., 1., 1., 2.]])
    """
    x, y = flatten_positions(x, y)
    return apply_function(_BilinearPool, x, y).flatten(1)


def flatten_positions(x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """Flatten maps (N, C, H, W) -> (N, C, L), and a second map over the same positions.

    Raises:
        ValueError: If the maps differ in N or L.
    """
    x, y = x.flatten(2), None if y is None else y.flatten(2)
    if y is not None and x.shape[::2] != y.shape[::2]:
        raise ValueError(f'x and y must have the same N and L, but got (N, C, L) = {(*x.shape,)} and {(*y.shape,)}')
    return x, y


class _BilinearPool(torch.autograd.Function):
    """Saves the maps themselves for backward, not their float32 copies."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        with no_autocast(x):
            wide = x.to(accumulation_dtype(x.dtype))
            other = wide if y is None else y.to(wide.dtype)
            # the mean is taken inside the product's accumulator: no second pass over C * D floats
            return torch.baddbmm(wide.new_zeros(1, 1, 1), wide, other.transpose(1, 2), beta=0, alpha=1 / x.shape[2])

    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        with no_autocast(x):
            size = x.shape[2]  # divides the gradients of the maps, which are smaller than that of the pool
            if y is None:  # both gradients in one product
                return (torch.bmm(grad + grad.mT, x.to(grad.dtype)) / size).to(x.dtype), None
            grad_x = (torch.bmm(grad, y.to(grad.dtype)) / size).to(x.dtype)
            grad_y = (torch.bmm(grad.mT, x.to(grad.dtype)) / size).to(y.dtype)
        return grad_x, grad_y


def signed_sqrt(x: Tensor, *, eps: float = 1e-10) -> Tensor:
    """Signed square root `sign(x) * sqrt(|x| + eps)` (Lin et al., Sec. 3), 0 at 0.

    Args:
        x (Tensor): pooled features, of any shape.
        eps (float): Added inside the root, above 0: the slope of the square root is infinite at 0, and pooled ReLU
            maps contain many zeros. Defaults to 1e-10.

    Returns:
        Tensor: with the same shape and dtype.

    Examples:
        >>> signed_sqrt(torch.tensor([4.0, -9.0, 0.0]))
        tensor([ 2., -3.,  0.])
    """
    floor = torch.finfo(x.dtype).tiny * torch.finfo(x.dtype).eps  # the smallest number above 0, 6e-8 in float16
    return x.sign() * (x.abs() + max(eps, floor)).sqrt()


def normalized_signed_sqrt(x: Tensor, *, eps: float = 1e-10) -> Tensor:
    """`signed_sqrt`, then each row scaled to unit length; rows of zeros stay zero.

    Args:
        x (Tensor): (N, D), pooled features.
        eps (float): As in `signed_sqrt`. Defaults to 1e-10.

    Returns:
        Tensor: (N, D), with the same dtype.

    Examples:
        >>> normalized_signed_sqrt(torch.tensor([[9.0, -16.0]]))
        tensor([[ 0.6000, -0.8000]])
    """
    return apply_function(_NormalizedSignedSqrt, x.to(accumulation_dtype(x.dtype)), eps)[0].to(x.dtype)


class _NormalizedSignedSqrt(torch.autograd.Function):
    """Saves only its output and the lengths for backward; plain autograd saves four tensors of the input's size."""

    @staticmethod
    def forward(ctx, x, eps):
        root = x.abs().add_(eps).sqrt_().mul_(x.sign())
        length = torch.linalg.vector_norm(root, dim=1, keepdim=True).clamp_min_(1e-12)
        out = root.div_(length)
        ctx.save_for_backward(out, length)
        return out, length  # with the lengths as an output, autograd can differentiate the backward

    @staticmethod
    def backward(ctx, grad, grad_length):
        out, length = ctx.saved_tensors
        # y = r / |r|, r = sign(x) sqrt(|x| + eps):  dr = (g - y <y, g>) / |r|,  dx = dr / (2 |r_i|),  r_i = y_i |r|
        along = torch.linalg.vecdot(out, grad)[:, None] - grad_length * length
        slope = out.abs() * (2 * length * length)
        return torch.addcmul(grad, out, along, value=-1) / slope.masked_fill(slope == 0, float('inf')), None
