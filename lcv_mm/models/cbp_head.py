"""The compact bilinear pooling head."""

from mmpretrain.models import LinearClsHead
from mmpretrain.registry import MODELS
from torch import Tensor

from ..errors import ConfigError
from ..ops import normalized_signed_sqrt
from .channels import check_channels, check_dimensions
from .random_maclaurin import RandomMaclaurin
from .tensor_sketch import TensorSketch

PROJECTIONS = {'ts': TensorSketch, 'rm': RandomMaclaurin}


@MODELS.register_module()
class CBPHead(LinearClsHead):
    """Compact bilinear pooling, signed square root, L2 norm, linear classifier (Gao et al., 2016).

    Args:
        num_classes (int): Number of classes.
        in_channels (int): Channels of the feature map, 512 for VGG-16 and ResNet-18.
        out_dim (int): Dimensions of the pooled feature. LCV: not stated. Here: 8192, Gao et al.'s choice.
        projection (str): 'ts', the tensor sketch, which LCV uses (Sec. 4.2), or 'rm', random Maclaurin.
        seed (int): Seed of the projection's fixed random draw. It does not touch the global random state.
        **kwargs: Of MMPretrain's `LinearClsHead`: `loss`, `topk`, `cal_acc`, `init_cfg`.

    Raises:
        ConfigError: If a number of dimensions is not positive, `projection` is unknown, or, in `pre_logits`, the
            feature map has not `in_channels` channels.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        out_dim: int = 8192,
        projection: str = 'ts',
        seed: int = 0,
        **kwargs,
    ) -> None:
        check_dimensions('CBPHead', in_channels=in_channels, out_dim=out_dim)
        if projection not in PROJECTIONS:
            raise ConfigError(f'CBPHead: projection={projection!r} is unknown; choose from {list(PROJECTIONS)}')
        super().__init__(num_classes, out_dim, **kwargs)
        self.in_map_channels = in_channels
        self.pool = PROJECTIONS[projection](in_channels, out_dim, seed)

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Pool the last level: a tuple of (N, C, H, W) -> (N, out_dim), each row of unit length."""
        check_channels('CBPHead', feats[-1:], [self.in_map_channels])
        return normalized_signed_sqrt(self.pool(feats[-1]))
