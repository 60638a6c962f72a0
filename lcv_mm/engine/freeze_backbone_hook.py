"""Training in two steps: first everything except the backbone, then everything."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS

from ..errors import ConfigError
from .weights import unwrap_model


@HOOKS.register_module()
class FreezeBackboneHook(Hook):
    """Freezes the backbone and its running statistics for the first epochs of a run, then trains everything.

    The step depends only on the epoch, so a resumed run is in the right step. The log says where each step begins, and
    each line of the log has `recipe_step`. Layers fixed by `frozen_stages` and `norm_eval` stay fixed. Param schedulers
    set the learning rate and weight decay of the steps. (MMPretrain's `SwitchRecipeHook` switches pipelines, augments
    and the loss.) With several processes, the config needs `find_unused_parameters = True`.

    Args:
        epochs (int): Length of step 1. A run with no more epochs has no step 2.

    Raises:
        ConfigError: If the loop is not epoch-based.

    Examples:
        >>> hook = HOOKS.build(dict(type='FreezeBackboneHook', epochs=4))
    """

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def before_train(self, runner: Runner) -> None:
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise ConfigError(f'FreezeBackboneHook needs a loop of epochs, got {type(runner.train_loop).__name__}')
        self._step = 0
        self._backbone = unwrap_model(runner).backbone
        self._learned = [param for param in self._backbone.parameters() if param.requires_grad]

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        step = 1 if runner.epoch < self.epochs else 2
        if step != self._step:
            self._step = step
            for param in self._learned:
                param.requires_grad_(step == 2)
            what = f'backbone frozen up to epoch {self.epochs}' if step == 1 else 'all layers are trained'
            runner.logger.info(f'epoch {runner.epoch + 1}: step {step} of 2, {what}')
        if step == 1:
            self._backbone.eval()  # in each iteration, as the loop sets training mode after `before_train_epoch`
        runner.message_hub.update_scalar('train/recipe_step', step)
