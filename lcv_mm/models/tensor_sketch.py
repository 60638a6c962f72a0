"""The hashes of a tensor sketch, drawn once and saved with the model."""

import torch
from torch import Tensor, nn

from ..ops import tensor_sketch_pool


class TensorSketch(nn.Module):
    """Tensor sketch pooling with fixed random hashes (Gao et al., Compact Bilinear Pooling, Alg. 2).

    The hashes are buffers: part of the state dict, never learned. They come from a generator of their own, so that
    building the module leaves the global random state as it was and one seed always gives one sketch.

    Args:
        in_channels (int): Channels C of the feature map.
        out_dim (int): Number of bins of the sketch.
        seed (int): Seed of the hashes.
    """

    h1: Tensor
    s1: Tensor
    h2: Tensor
    s2: Tensor

    def __init__(self, in_channels: int, out_dim: int, seed: int = 0) -> None:
        super().__init__()
        self.out_dim = out_dim
        generator = torch.Generator().manual_seed(seed)
        for i in (1, 2):
            bins = torch.randint(out_dim, (in_channels,), generator=generator)
            signs = torch.randint(2, (in_channels,), generator=generator) * 2.0 - 1.0
            self.register_buffer(f'h{i}', bins)
            self.register_buffer(f's{i}', signs)

    def forward(self, x: Tensor) -> Tensor:
        """Pool a feature map: (N, C, H, W) -> (N, out_dim)."""
        return tensor_sketch_pool(x, self.h1, self.s1, self.h2, self.s2, self.out_dim)

    def extra_repr(self) -> str:
        return f'in_channels={len(self.h1)}, out_dim={self.out_dim}'
