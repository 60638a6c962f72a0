"""An image classifier with a loss on its features."""

from typing import Any

import torch
from mmpretrain.models import ImageClassifier
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from ..class_variance_loss import single_labels
from ..errors import ConfigError


@MODELS.register_module()
class LCVClassifier(ImageClassifier):
    """MMPretrain's `ImageClassifier` plus the class-variance loss on the neck's output (LCV, Fig. 1).

    With `variance_loss.space='head'`, the loss compares the input of the head's linear layer `fc` instead.

    The training log shows the total `loss`, its parts `loss_cls` (the head's loss, loss0 in the paper), `loss_inter`
    (loss1) and `loss_intra` (loss2), and the mean distances `dist_inter` and `dist_intra` between and within classes.

    Args:
        variance_loss (dict): Config of a `ClassVarianceLoss` or a `MetricLearningLoss`.
        **kwargs: Of MMPretrain's `ImageClassifier`: `backbone`, `neck`, `head`, `data_preprocessor`, ...

    Raises:
        ConfigError: If the config mixes images (Mixup, CutMix), which then have two labels; if `space='head'` and the
            head has no `fc`; in training, if an image has no label or several.

    Examples:
        >>> model = LCVClassifier(
        ...     backbone=dict(type='ResNet', depth=18),
        ...     neck=dict(type='ResidualAttention'),
        ...     head=dict(type='CBPHead', num_classes=5, in_channels=512, out_dim=64),
        ...     variance_loss=dict(type='ClassVarianceLoss'),
        ... )
        >>> samples = [DataSample().set_gt_label(label) for label in (0, 0, 1, 1)]
        >>> sorted(model.loss(torch.rand(4, 3, 32, 32), samples))
        ['dist_inter', 'dist_intra', 'loss_cls', 'loss_inter', 'loss_intra']
    """

    def __init__(self, *args: Any, variance_loss: dict, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.variance_loss = MODELS.build(variance_loss)
        if getattr(self.data_preprocessor, 'batch_augments', None) is not None:
            raise ConfigError('mixed images have two labels: remove Mixup and CutMix with model.train_cfg=None')
        if self.variance_loss.space == 'head':
            if not hasattr(self.head, 'fc'):
                raise ConfigError(f"space='head' compares the input of `fc`; {type(self.head).__name__} has none")
            self.head.fc.register_forward_pre_hook(self._keep_fc_input)

    def loss(self, inputs: Tensor, data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the losses of a batch, and the mean distances, which are logged but not summed.

        Args:
            inputs (Tensor): (N, 3, H, W), preprocessed images.
            data_samples (list[DataSample]): N samples with one `gt_label` each; otherwise ConfigError.

        Returns:
            dict[str, Tensor]: `loss_cls` and what `variance_loss.terms` returns, scalars.
        """
        labels = single_labels(data_samples)
        if labels is None:
            raise ConfigError(
                'LCVClassifier: images here have mixed scores, several labels or several tasks; use images '
                'of one `gt_label` each, or ImageClassifier'
            )
        feats = self.extract_feat(inputs)
        self._fc_input: Tensor | None = None  # for `_keep_fc_input`
        losses = self.head.loss(feats, data_samples)
        # `parse_losses` logs the sum of all terms as `loss`, which would hide the head's own loss of that name
        losses['loss_cls'] = losses.pop('loss')
        fc_input = self.__dict__.pop('_fc_input')
        compared = fc_input if self.variance_loss.space == 'head' else feats
        return losses | self.variance_loss.terms(compared, labels)

    def _keep_fc_input(self, fc: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if '_fc_input' in self.__dict__:  # kept for the loss only: with its graph, no copy of the model could be made
            (self._fc_input,) = inputs

    def parse_losses(self, losses: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Sum the losses. Omit a mean distance from the log if the batch has no such pair."""
        total, log_vars = super().parse_losses(losses)
        absent = [name for name in ('dist_inter', 'dist_intra') if name in log_vars and torch.isnan(log_vars[name])]
        return total, {name: value for name, value in log_vars.items() if name not in absent}
