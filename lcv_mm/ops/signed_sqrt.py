"""The signed square root that follows every bilinear pooling."""

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
