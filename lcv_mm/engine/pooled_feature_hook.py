"""Pooled features of the test images, beside their predictions."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from mmpretrain.registry import HOOKS
from torch import Tensor, nn

from ..checkpoints.checkpoint_fit_hook import bare_model
from .class_distance_hook import last_level


@HOOKS.register_module()
class PooledFeatureHook(Hook):
    """Puts `pooled_feat` (C,) into each data sample of validation and test: for metrics, and into `test.py --out`.

    It is what goes into the head, the last level of several, mean over places, in float32. A hook, and not an option of
    `LCVClassifier`, so that every classifier of MMPretrain has it, above all the baseline to compare with. Training
    and the predictions stay as they are; one image adds 4 C bytes to a file of predictions.
    """

    def before_val(self, runner: Runner) -> None:
        model = bare_model(runner)
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
