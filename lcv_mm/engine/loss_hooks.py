"""Hooks that watch the losses: end a run that is not finite, and check whether the classifier has learned."""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from ..errors import TrainingError
from .resume import last_good_checkpoint
from .weights import unwrap_model


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Ends the run if losses stay infinite or NaN, or before non-finite weights would be saved.

    A single such loss is tolerated: in float16, the loss scaler skips the step. Weights and running statistics are
    checked at the end of each epoch and whenever a checkpoint is saved. Finite weights can still give NaN scores, from
    which an accuracy would be computed. A validation or test with such an image ends in an error.

    Args:
        patience (int): Number of consecutive iterations with a non-finite loss that ends the run, 1 or more. Defaults
            to 10.

    Raises:
        TrainingError: If losses, weights or the scores of a validation or test are not finite.

    Examples:
        >>> hook = HOOKS.build(dict(type='FiniteLossHook', patience=5))
    """

    priority = 'ABOVE_NORMAL'  # before the hook that saves, and before the next learning rate is set

    def __init__(self, patience: int = 10) -> None:
        self.patience = patience
        self._in_a_row = 0
        self._first = ''

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        terms = _losses(outputs)
        if all(math.isfinite(value) for value in terms.values()):
            self._in_a_row = 0
            return
        if self._in_a_row == 0:
            values = ', '.join(f'{name}={value:.4g}' for name, value in terms.items())
            self._first = f'iteration {runner.iter + 1} (epoch {runner.epoch + 1}): {values}'
        self._in_a_row += 1
        if self._in_a_row >= self.patience:
            times = f'{self._in_a_row} consecutive iterations'
            raise TrainingError(f'the loss was not finite for {times}, from {self._first}. {_what_to_do(runner)}')

    def after_train_epoch(self, runner: Runner) -> None:
        _check_weights(runner, runner.iter)  # on every rank; only rank 0 saves

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        _check_weights(runner, checkpoint['meta']['iter'])

    def before_val_epoch(self, runner: Runner) -> None:
        self._images = 0  # whose scores are not finite

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence | None = None
    ) -> None:
        scores = [torch.as_tensor(sample.get('pred_score', 0.0)) for sample in outputs or ()]
        self._images += sum(not score.isfinite().all() for score in scores)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if self._images:
            raise TrainingError(
                f'{self._images} images have scores that are NaN or infinite, so no metric is valid; use an earlier '
                'checkpoint, or leave out --amp'
            )

    before_test_epoch, after_test_iter, after_test_epoch = before_val_epoch, after_val_iter, after_val_epoch


@HOOKS.register_module()
class TrainedClassifierHook(Hook):
    """Logs the mean cross entropy of the last epoch, and warns if the classifier has not learned (`has_learned`).

    The accuracy of an untrained classifier says little about anything but its learning rate. The hook ignores models
    that have several losses but no `loss_cls`, and heads with another loss than a plain cross entropy.

    Examples:
        >>> hook = HOOKS.build(dict(type='TrainedClassifierHook'))
    """

    def __init__(self) -> None:
        self._values: list[float] = []

    def before_train_epoch(self, runner: Runner) -> None:
        self._values = []

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        terms = _losses(outputs)
        if 'loss_cls' in terms or len(terms) == 1:
            self._values.append(terms.get('loss_cls', next(iter(terms.values()))))

    def after_train(self, runner: Runner) -> None:
        head = getattr(unwrap_model(runner), 'head', None)
        classes = getattr(head, 'num_classes', None)
        if not classes or not self._values or not is_cross_entropy(head):
            return
        mean, guessing = fmean(self._values), math.log(classes)
        what = f'cross entropy of the last epoch: {mean:.2f}; guessing among {classes} classes: {guessing:.2f}'
        if has_learned(mean, classes):
            runner.logger.info(what)
        else:
            runner.logger.warning(
                f'the classifier has not learned ({what}): train it longer or at a higher rate before you compare; '
                'see "step 1" in configs/_base_/schedules/paper_sgd_60e.py',
            )


def is_cross_entropy(head: Any) -> bool:
    """Whether the loss of a head is a mean cross entropy in nats, smoothed or not, which `has_learned` can judge."""
    loss = getattr(head, 'loss_module', None)
    inner = getattr(loss, 'ce', loss)  # of LabelSmoothLoss
    known = loss is None or type(inner).__name__ == 'CrossEntropyLoss'
    plain = dict(use_sigmoid=False, class_weight=None, reduction='mean')
    unchanged = all(getattr(inner, name, value) == value for name, value in plain.items())
    return known and getattr(loss, 'loss_weight', 1) == 1 and unchanged


def has_learned(cross_entropy: float, num_classes: int) -> bool:
    """Whether a mean cross entropy in nats is at most half of log C. Guessing among C classes gives log C.

    >>> has_learned(0.6, num_classes=25), has_learned(2.5, num_classes=25)
    (True, False)
    """
    return cross_entropy <= 0.5 * math.log(num_classes)


def _losses(outputs: dict | None) -> dict[str, float]:
    """The total and the terms of the loss of an iteration."""
    return {name: torch.as_tensor(value).item() for name, value in (outputs or {}).items() if 'loss' in name}


def _check_weights(runner: Runner, iterations: int) -> None:
    broken = [name for name, value in unwrap_model(runner).state_dict().items() if not torch.isfinite(value).all()]
    if broken:
        raise TrainingError(
            f'{len(broken)} weights or running statistics are not finite after {iterations} iterations, such as '
            f'{broken[0]}. They are not saved. {_what_to_do(runner)}'
        )


def _what_to_do(runner: Runner) -> str:
    rates = {rate for rates in runner.optim_wrapper.get_lr().values() for rate in rates}
    kept, _ = last_good_checkpoint(runner.work_dir)
    return (
        (f'The last good checkpoint is kept: {kept}. ' if kept else '')
        + f'Train with a lower learning rate (it is {sorted(rates)}; '
        '--cfg-options optim_wrapper.optimizer.lr=...), with clipped gradients (optim_wrapper.clip_grad.max_norm=10) '
        'or without --amp'
    )
