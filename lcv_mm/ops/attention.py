"""The residual attention of LCV (Eq. 1-2)."""

import torch.nn.functional as F
from torch import Tensor


def residual_attention(x: Tensor) -> Tensor:
    """Element-wise residual attention `M = F * (1 + sigmoid(F))` (LCV, Eq. 1-2).

    After a ReLU the factor lies in [1.5, 2): strong responses grow slightly more than weak ones.

    Args:
        x (Tensor): feature maps F, of any shape, usually (N, C, H, W).

    Returns:
        Tensor: the attention output M, with the same shape and dtype.

    Examples:
        >>> import torch
        >>> residual_attention(torch.tensor([0.0, 2.0]))
        tensor([0.0000, 3.7616])
    """
    return x + F.silu(x)  # F * sigmoid(F) is the SiLU: one fused kernel, and only F is kept for backward
