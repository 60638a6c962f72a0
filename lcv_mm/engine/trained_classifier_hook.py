"""Check whether a run has trained its classifier, from the cross entropy of the last epoch."""

import logging
import math
from statistics import fmean
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from .checkpoint_fit_hook import unwrap_model


def has_learned(cross_entropy: float, num_classes: int) -> bool:
    """Whether a mean cross entropy in nats is at most half of log C. Guessing among C classes gives log C.

    >>> has_learned(0.6, num_classes=25), has_learned(2.5, num_classes=25)
    (True, False)
    """
    return cross_entropy <= 0.5 * math.log(num_classes)


@HOOKS.register_module()
class TrainedClassifierHook(Hook):
    """Logs the mean cross entropy of the last epoch, and warns if the classifier has not learned (`has_learned`).

    The accuracy of an untrained classifier says little about anything but its learning rate. The hook ignores models
    that have several losses but no `loss_cls`.
    """

    def before_train_epoch(self, runner: Runner) -> None:
        self._values: list[float] = []

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        terms = {name: value for name, value in (outputs or {}).items() if 'loss' in name}
        if 'loss_cls' in terms or len(terms) == 1:
            self._values.append(torch.as_tensor(terms.get('loss_cls', next(iter(terms.values())))).item())

    def after_train(self, runner: Runner) -> None:
        classes = getattr(getattr(unwrap_model(runner), 'head', None), 'num_classes', None)
        if not classes or not self._values:
            return
        mean, guessing = fmean(self._values), math.log(classes)
        what = f'cross entropy of the last epoch: {mean:.2f}; guessing among {classes} classes: {guessing:.2f}'
        if has_learned(mean, classes):
            runner.logger.info(what)
        else:
            runner.logger.log(
                logging.WARNING,
                f'the classifier has not learned ({what}): train it longer or at a higher rate before you compare; '
                'see "step 1" in configs/_base_/schedules/paper_sgd_60e.py',
            )
