"""Hooks that read the features going into the head of any classifier."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from mmpretrain.registry import HOOKS
from torch import Tensor, nn

from ..class_variance_loss import single_labels
from ..ops.class_variance import mean_pair_distances, pairwise_distance
from .checkpoint_fit_hook import unwrap_model


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
        model = unwrap_model(runner)
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


@HOOKS.register_module()
class PooledFeatureHook(Hook):
    """Puts `pooled_feat` (C,) into each data sample of validation and test: for metrics, and into `test.py --out`.

    It is what goes into the head, the last level of several, mean over places, in float32. A hook, and not an option of
    `LCVClassifier`, so that every classifier of MMPretrain has it, above all the baseline to compare with. Training
    and the predictions stay as they are; one image adds 4 C bytes to a file of predictions.
    """

    def before_val(self, runner: Runner) -> None:
        model = unwrap_model(runner)
        self._feats: Tensor | None = None
        self._handles = []
        if isinstance(getattr(model, 'head', None), nn.Module):
            self._handles = [
                model.head.register_forward_pre_hook(self._keep_feats),
                model.register_forward_hook(self._add_to_samples),
            ]

    def after_val(self, runner: Runner) -> None:
        self._feats = None
        for handle in self._handles:
            handle.remove()

    before_test = before_val
    after_test = after_val

    def _keep_feats(self, head: nn.Module, inputs: tuple) -> None:
        self._feats = last_level(inputs)

    def _add_to_samples(self, model: nn.Module, inputs: tuple, output: Any) -> None:
        if self._feats is None or not isinstance(output, Sequence):
            return
        feats = self._feats.flatten(2).mean(2, dtype=torch.float32) if self._feats.ndim > 2 else self._feats.float()
        for sample, feat in zip(output, feats, strict=True):
            if isinstance(sample, BaseDataElement):
                sample.set_field(feat.clone(), 'pooled_feat')  # a row alone: pickle would write the batch for each
