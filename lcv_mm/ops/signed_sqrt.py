"""The signed square root and the norm that follow every bilinear pooling."""

import torch
from torch import Tensor


def signed_sqrt(x: Tensor, eps: float = 1e-10) -> Tensor:
    """Signed square root `sign(x) * sqrt(|x| + eps)` (Lin et al., Bilinear CNN, Sec. 3), 0 at 0.

    Args:
        x (Tensor): pooled features, of any shape.
        eps (float): Added inside the root, above 0: the slope of the square root at 0 is infinite, and pooled ReLU
            maps are full of zeros.

    Returns:
        Tensor: of the same shape and type.
    """
    return x.sign() * (x.abs() + eps).sqrt()


def normalized_signed_sqrt(x: Tensor, eps: float = 1e-10) -> Tensor:
    """`signed_sqrt`, then each row to unit length; a row of zeros stays.

    Args:
        x (Tensor): (N, D), pooled features.
        eps (float): As in `signed_sqrt`.

    Returns:
        Tensor: (N, D), of the same type.
    """
    return _NormalizedSignedSqrt.apply(x, eps)[0]


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
