"""The compact bilinear pooling head and its two random projections.

Gao et al., Compact Bilinear Pooling, 2016, https://arxiv.org/abs/1511.06062
"""

from typing import Any

import torch
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ..errors import ConfigError
from ..ops import normalized_signed_sqrt, random_maclaurin_pool, tensor_sketch_pool
from .bilinear_head import BilinearHead

# The random values of both projections are buffers: saved in the state dict, never learned. A separate generator draws
# them. Building a head thus leaves the global random state unchanged, and each seed always gives the same projection.


class TensorSketch(nn.Module):
    """Tensor sketch pooling with fixed random hashes (Gao et al., Alg. 2).

    Args:
        in_channels (int): Channels C of the feature map.
        out_dim (int): Number of bins of the sketch.
        seed (int): Seed of the hashes. Defaults to 0.
    """

    h1: Tensor  # (C,) int64, in [0, out_dim)
    s1: Tensor  # (C,), of -1 and 1
    h2: Tensor
    s2: Tensor

    def __init__(self, in_channels: int, out_dim: int, seed: int = 0) -> None:
        super().__init__()
        self.out_dim = out_dim
        generator = torch.Generator().manual_seed(seed)
        for i in (1, 2):
            self.register_buffer(f'h{i}', torch.randint(out_dim, (in_channels,), generator=generator))
            self.register_buffer(f's{i}', _signs(in_channels, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        """Pool a feature map: (N, C, H, W) -> (N, out_dim)."""
        return tensor_sketch_pool(x, self.h1, self.s1, self.h2, self.s2, self.out_dim)


class RandomMaclaurin(nn.Module):
    """Random Maclaurin pooling with fixed random signs (Gao et al., Alg. 1); same arguments as `TensorSketch`."""

    w1: Tensor  # (out_dim, C), of -1 and 1
    w2: Tensor

    def __init__(self, in_channels: int, out_dim: int, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        for i in (1, 2):
            self.register_buffer(f'w{i}', _signs(out_dim, in_channels, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        """Pool a feature map: (N, C, H, W) -> (N, out_dim)."""
        return random_maclaurin_pool(x, self.w1, self.w2)


def _signs(*shape: int, generator: torch.Generator) -> Tensor:
    return torch.randint(2, shape, generator=generator) * 2.0 - 1.0


PROJECTIONS = {'ts': TensorSketch, 'rm': RandomMaclaurin}


@MODELS.register_module()
class CBPHead(BilinearHead):
    """Compact bilinear pooling, signed square root, L2 norm and linear classifier (Gao et al., 2016).

    Source: https://arxiv.org/abs/1511.06062

    Args:
        num_classes (int): Number of classes.
        in_channels (int): Channels of the feature map, 512 for VGG-16 and ResNet-18.
        out_dim (int): Dimensions of the pooled feature. LCV: not stated. Defaults to 8192, Gao et al.'s choice.
        projection (str): 'ts', the tensor sketch, as in LCV (Sec. 4.2), or 'rm', random Maclaurin. Defaults to 'ts'.
        seed (int): Seed of the projection. It does not affect the global random state. Defaults to 0.
        **kwargs: Of MMPretrain's `LinearClsHead`: `loss`, `topk`, `cal_acc`, `init_cfg`.

    Raises:
        ConfigError: If `projection` is unknown; in the forward pass, if the maps do not have `in_channels`.

    Examples:
        >>> head = CBPHead(num_classes=10, in_channels=64, out_dim=512)
        >>> head((torch.rand(2, 64, 7, 7),)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        out_dim: int = 8192,
        projection: str = 'ts',
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        if projection not in PROJECTIONS:
            raise ConfigError(f'CBPHead: projection={projection!r} is unknown; choose from {list(PROJECTIONS)}')
        super().__init__(num_classes, out_dim, [in_channels], **kwargs)
        self.pool = PROJECTIONS[projection](in_channels, out_dim, seed)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: Any) -> None:
        # the hashes of another out_dim have the same shape, but point to the dimensions of that feature
        given = state_dict.get(f'{prefix}fc.weight')
        if given is not None and given.shape[1:] != self.fc.weight.shape[1:]:
            for name in self.pool.state_dict(prefix=f'{prefix}pool.'):
                state_dict.pop(name, None)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def pool_maps(self, *maps: Tensor) -> Tensor:
        """Pool the last level: (N, C, H, W) -> (N, out_dim), each row of unit length."""
        return normalized_signed_sqrt(self.pool(*maps))
