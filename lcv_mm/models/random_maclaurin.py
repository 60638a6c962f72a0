"""The signs of a random Maclaurin projection, drawn once and saved with the model."""

import torch
from torch import Tensor, nn

from ..ops import random_maclaurin_pool


class RandomMaclaurin(nn.Module):
    """Random Maclaurin pooling with fixed random signs (Gao et al., Compact Bilinear Pooling, Alg. 1).

    The signs are buffers: part of the state dict, never learned. They come from a generator of their own, so that
    building the module leaves the global random state as it was and one seed always gives one projection.

    Args:
        in_channels (int): Channels C of the feature map.
        out_dim (int): Dimensions of the pooled feature.
        seed (int): Seed of the signs.
    """

    w1: Tensor
    w2: Tensor

    def __init__(self, in_channels: int, out_dim: int, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        for i in (1, 2):
            signs = torch.randint(2, (out_dim, in_channels), generator=generator) * 2.0 - 1.0
            self.register_buffer(f'w{i}', signs)

    def forward(self, x: Tensor) -> Tensor:
        """Pool a feature map: (N, C, H, W) -> (N, out_dim)."""
        return random_maclaurin_pool(x, self.w1, self.w2)

    def extra_repr(self) -> str:
        return f'in_channels={self.w1.shape[1]}, out_dim={len(self.w1)}'
