"""Hooks that read the input features of any classifier's head."""

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
from .weights import unwrap_model


@HOOKS.register_module()
class ClassDistanceHook(Hook):
    """Logs `dist_inter` and `dist_intra` of each training batch for a model without the class-variance loss.

    The hook compares the input features of the head (the last of several levels), flattened and scaled to unit length.
    These are the numbers that `LCVClassifier` logs with the default settings of `ClassVarianceLoss`, so a baseline can
    be compared with LCV. Batches without a pair of one kind do not count in that mean. Batches with mixed images
    (Mixup, CutMix) or multi-label images are ignored, and so are models that have a `variance_loss` or no head.

    Examples:
        >>> hook = HOOKS.build(dict(type='ClassDistanceHook'))
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
        self._samples = output.get('data_samples')  # after Mixup and CutMix, which are not visible in the batch itself

    def _keep_feats(self, head: nn.Module, inputs: tuple) -> None:
        level = last_level(inputs)
        if head.training and level is not None:
            self._feats = level.detach()


def last_level(inputs: tuple) -> Tensor | None:
    """The features among a head's inputs, or the last of several levels; None if this is not a tensor."""
    level = inputs[0][-1] if isinstance(inputs[0], tuple | list) else inputs[0]
    return level if isinstance(level, Tensor) else None


@HOOKS.register_module()
class PooledFeatureHook(Hook):
    """Adds `pooled_feat` (C,) to each data sample of validation and test, for metrics and `test.py --out`.

    This is the input of the head (the last of several levels), averaged over spatial positions, in float32. It is a
    hook and not an option of `LCVClassifier`, so it works with every MMPretrain classifier, such as a baseline. It does
    not affect training and predictions. Each image adds 4 C bytes to a file of predictions.

    Examples:
        >>> hook = HOOKS.build(dict(type='PooledFeatureHook'))
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
        if self._feats is None:
            return
        feats = self._feats.flatten(2).mean(2, dtype=torch.float32) if self._feats.ndim > 2 else self._feats.float()
        for sample, feat in zip(output, feats, strict=True):
            sample.set_field(feat.clone(), 'pooled_feat')  # a copy: pickle would write the full batch for each row
