"""The mean distances between and within classes, of any classifier."""

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS
from torch import Tensor, nn

from ..ops.class_variance import mean_pair_distances, pairwise_distance


@HOOKS.register_module()
class ClassDistanceHook(Hook):
    """Logs `dist_inter` and `dist_intra` of each training batch, as `LCVClassifier` does, for a model without the loss.

    Compared are the features that go into the head, the last level of several, flattened and scaled to unit length:
    with `ClassVarianceLoss`'s default settings the same numbers, so that a baseline can be drawn beside LCV. A batch
    without a pair of one kind adds nothing to that mean. A model that has a `variance_loss`, or no head that the
    features go into, is left alone.
    """

    def before_train(self, runner: Runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        self._feats: Tensor | None = None
        self._handle = None
        if getattr(model, 'variance_loss', None) is None and isinstance(getattr(model, 'head', None), nn.Module):
            self._handle = model.head.register_forward_pre_hook(self._keep)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        if self._feats is None or not all('gt_label' in sample for sample in data_batch['data_samples']):
            return  # Mixup and CutMix leave no labels
        labels = torch.cat([sample.gt_label for sample in data_batch['data_samples']]).to(self._feats.device)
        distances = pairwise_distance(self._feats.flatten(1), normalize=True)
        self._feats = None
        for name, mean in zip(('dist_inter', 'dist_intra'), mean_pair_distances(distances, labels), strict=True):
            if torch.isfinite(mean):
                runner.message_hub.update_scalar(f'train/{name}', mean)

    def after_train(self, runner: Runner) -> None:
        if self._handle is not None:
            self._handle.remove()

    def _keep(self, head: nn.Module, inputs: tuple) -> None:
        level = inputs[0][-1] if inputs and isinstance(inputs[0], tuple | list) else inputs[0]
        if head.training and isinstance(level, Tensor):
            self._feats = level.detach()
