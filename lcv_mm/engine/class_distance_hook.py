"""The mean distances between and within classes, of any classifier."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from mmpretrain.registry import HOOKS
from torch import Tensor, nn

from ..checkpoints.checkpoint_fit_hook import bare_model
from ..models.checks import single_labels
from ..ops.class_variance import mean_pair_distances, pairwise_distance


@HOOKS.register_module()
class ClassDistanceHook(Hook):
    """Logs `dist_inter` and `dist_intra` of each training batch, as `LCVClassifier` does, for a model without the loss.

    Compared are the features that go into the head, the last level of several, flattened and scaled to unit length:
    with `ClassVarianceLoss`'s default settings the same numbers, so that a baseline can be drawn beside LCV. A batch
    without a pair of one kind adds nothing to that mean; one with mixed images (Mixup, CutMix), or with images of
    several labels, adds nothing. A model that has a `variance_loss`, or no head that the features go into, is left
    alone.
    """

    def before_train(self, runner: Runner) -> None:
        model = bare_model(runner)
        self._feats: Tensor | None = None
        self._samples: Sequence[BaseDataElement] | None = None
        self._handles = []
        if getattr(model, 'variance_loss', None) is None and isinstance(getattr(model, 'head', None), nn.Module):
            self._handles = [
                model.data_preprocessor.register_forward_hook(self._keep_samples),
                model.head.register_forward_pre_hook(self._keep_feats),
            ]

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        feats, labels = self._feats, single_labels(self._samples or [])
        self._feats = self._samples = None
        if feats is None or labels is None or len(labels) != len(feats):
            return
        distances = pairwise_distance(feats.flatten(1), normalize=True)
        for name, mean in zip(('dist_inter', 'dist_intra'), mean_pair_distances(distances, labels), strict=True):
            if torch.isfinite(mean):
                runner.message_hub.update_scalar(f'train/{name}', mean)

    def after_train(self, runner: Runner) -> None:
        for handle in self._handles:
            handle.remove()

    def _keep_samples(self, preprocessor: nn.Module, inputs: tuple, output: dict) -> None:
        # after Mixup and CutMix, which the batch itself does not show
        self._samples = output.get('data_samples') if isinstance(output, dict) else None

    def _keep_feats(self, head: nn.Module, inputs: tuple) -> None:
        level = last_level(inputs)
        if head.training and level is not None:
            self._feats = level.detach()


def last_level(inputs: tuple) -> Tensor | None:
    """The features among a head's inputs, the last level of several; None if they are no tensor."""
    feats = inputs[0] if inputs else None
    level = feats[-1] if isinstance(feats, tuple | list) else feats
    return level if isinstance(level, Tensor) else None
