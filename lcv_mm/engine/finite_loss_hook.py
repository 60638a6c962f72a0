"""End a run whose losses, weights or scores are NaN or infinite, and keep its last good checkpoint."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from ..errors import TrainingError
from .checkpoint_fit_hook import unwrap_model
from .resume import last_good_checkpoint


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Ends the run if losses stay infinite or NaN, and before such weights are saved.

    A single such loss is tolerated: in float16, the loss scaler skips the step. Weights and running statistics are
    checked at the end of each epoch and whenever a checkpoint is saved. Finite weights can still give NaN scores, from
    which an accuracy would be computed. A validation or test with such an image ends in an error.

    Args:
        patience (int): Number of consecutive iterations with a non-finite loss that ends the run, 1 or more.

    Raises:
        TrainingError: If losses, weights or the scores of a validation or test are not finite.
    """

    priority = 'ABOVE_NORMAL'  # before the hook that saves, and before the next learning rate is set

    def __init__(self, patience: int = 10) -> None:
        self.patience = patience
        self._in_a_row = 0
        self._first = ''

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        terms = {name: torch.as_tensor(value).item() for name, value in (outputs or {}).items() if 'loss' in name}
        if all(math.isfinite(value) for value in terms.values()):
            self._in_a_row = 0
            return
        if self._in_a_row == 0:
            values = ', '.join(f'{name}={value:.4g}' for name, value in terms.items())
            when = f'iteration {runner.iter + 1} (epoch {runner.epoch + 1})'
            self._first = f'{when}: {values}, at {_learning_rates(runner)}'
        self._in_a_row += 1
        if not self._in_a_row < self.patience:  # a patience of NaN also ends the run
            times = f'{self._in_a_row} iterations in a row, first' if self._in_a_row > 1 else 'one iteration,'
            raise TrainingError(f'the loss is not finite for {times} in {self._first}. {_what_to_do(runner)}')

    def after_train_epoch(self, runner: Runner) -> None:
        _check_weights(runner, runner.iter)

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
                f'the model gives {self._images} images scores that are NaN or infinite, of which no metric is right; '
                'take an earlier checkpoint, or leave --amp out'
            )

    before_test_epoch, after_test_iter, after_test_epoch = before_val_epoch, after_val_iter, after_val_epoch


def _check_weights(runner: Runner, iterations: int) -> None:
    broken = [name for name, value in unwrap_model(runner).state_dict().items() if not torch.isfinite(value).all()]
    if broken:
        shown = ', '.join(broken[:3]) + (f' and {len(broken) - 3} more' if len(broken) > 3 else '')
        raise TrainingError(
            f'weights or running statistics are not finite after {iterations} iterations, at '
            f'{_learning_rates(runner)}: {shown}. They are not saved. {_what_to_do(runner)}'
        )


def _learning_rates(runner: Runner) -> str:
    """The distinct learning rates of each optimizer: `lr=0.02/1`."""
    return ', '.join(
        f'{name}={"/".join(f"{lr:.4g}" for lr in dict.fromkeys(rates))}'
        for name, rates in runner.optim_wrapper.get_lr().items()
    )


def _what_to_do(runner: Runner) -> str:
    kept, _ = last_good_checkpoint(runner.work_dir)
    return (
        (f'The last good checkpoint is kept: {kept}.' if kept else 'No checkpoint had been saved before.')
        + ' Train with a lower learning rate (--cfg-options optim_wrapper.optimizer.lr=...), with clipped gradients '
        '(optim_wrapper.clip_grad.max_norm=10) or without --amp'
        + (f'; load_from={kept} starts from its weights' if kept else '')
    )
