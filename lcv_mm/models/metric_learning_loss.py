"""Losses of pytorch-metric-learning in place of the class-variance loss."""

import torch
from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor

from ..class_variance_loss import SPACES, compared_rows
from ..errors import ConfigError
from ..ops.class_variance import mean_pair_distances, pairwise_distance


@MODELS.register_module()
class MetricLearningLoss(BaseModule):
    """A loss of pytorch-metric-learning as `variance_loss` of an `LCVClassifier`.

    The log shows it as `loss_metric`, next to the mean distances `dist_inter` and `dist_intra`. Install the package
    with `pip install 'lcv_mm[metric]'`. Losses and miners: https://kevinmusgrave.github.io/pytorch-metric-learning.

    Args:
        loss (str | dict): Name of a loss such as 'TripletMarginLoss', or a dict with its `type` and options.
        miner (str | dict | None): Name or dict of a miner, such as 'BatchHardMiner'. Defaults to None.
        space (str): 'map', 'pooled' or 'head', as in `ClassVarianceLoss`. Defaults to 'map'.
        level (int): Index of the level to compare, if the neck has several outputs. Defaults to -1, the last.
        weight (float): Factor of the loss. Defaults to 1.

    Raises:
        ConfigError: If the space is unknown or the level does not exist.
        ImportError: If the package is not installed.

    Examples:
        >>> loss = MetricLearningLoss(dict(type='TripletMarginLoss', margin=0.2), space='pooled')
        >>> sorted(loss(torch.rand(4, 8, 2, 2), torch.tensor([0, 0, 1, 1])))
        ['loss_metric']
    """

    def __init__(
        self,
        loss: str | dict,
        miner: str | dict | None = None,
        space: str = 'map',
        level: int = -1,
        weight: float = 1.0,
    ) -> None:
        super().__init__()
        from pytorch_metric_learning import losses, miners  # an extra, slow to import

        if space not in SPACES:
            raise ConfigError(f'MetricLearningLoss: space={space!r} is unknown; choose from {list(SPACES)}')
        self.loss = _build(losses, loss)
        self.miner = None if miner is None else _build(miners, miner)
        self.space = space
        self.level = level
        self.weight = weight

    def forward(self, feats: Tensor | tuple[Tensor, ...], labels: Tensor) -> dict[str, Tensor]:
        """Compute the scalar `loss_metric` from labels (N,) and features, as in `ClassVarianceLoss`."""
        return {name: value for name, value in self.terms(feats, labels).items() if name.startswith('loss')}

    def terms(self, feats: Tensor | tuple[Tensor, ...], labels: Tensor) -> dict[str, Tensor]:
        """Compute the loss of `forward`, and the mean distances of the unit-length features for the log."""
        (rows,) = compared_rows(feats, self.space, self.level)
        with torch.autocast(rows.device.type, enabled=False):  # sums of squares of a map overflow float16
            rows = rows.float()
            pairs = None if self.miner is None else self.miner(rows, labels)
            loss = self.weight * self.loss(rows, labels, pairs)
        inter, intra = mean_pair_distances(pairwise_distance(rows.detach(), normalize=True), labels)
        return dict(loss_metric=loss, dist_inter=inter, dist_intra=intra)


def _build(module: object, part: str | dict) -> torch.nn.Module:
    options = dict(type=part) if isinstance(part, str) else dict(part)
    return getattr(module, options.pop('type'))(**options)
