"""Training in two steps: everything but the backbone first, then everything."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from .checkpoint_fit_hook import unwrap_model


@HOOKS.register_module()
class FreezeBackboneHook(Hook):
    """Freezes the backbone for the first epochs of a run, its running statistics too, and trains all of it after them.

    The epoch alone decides on the step, so a resumed run is in the right one. The log says where each begins, and
    each of its lines has the step as `recipe_step`. What `frozen_stages` and `norm_eval` hold fixed stays so.
    Learning rates and weight decay of the steps are the param schedulers' part (MMPretrain's `SwitchRecipeHook` is for
    pipelines, augments and the loss); with several processes the config needs `find_unused_parameters = True`.

    Args:
        epochs (int): Length of step 1. A run that is no longer has no step 2.
    """

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def before_train(self, runner: Runner) -> None:
        self._step = 0
        self._backbone = unwrap_model(runner).backbone
        self._learned = [param for param in self._backbone.parameters() if param.requires_grad]

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        step = 1 if runner.epoch < self.epochs else 2
        if step != self._step:
            self._begin(step, runner)
        if step == 1:
            self._backbone.eval()  # here: after `before_train_epoch` the loop puts the whole model into training mode
        runner.message_hub.update_scalar('train/recipe_step', step)

    def _begin(self, step: int, runner: Runner) -> None:
        self._step = step
        for param in self._learned:
            param.requires_grad_(step == 2)
        what = f'epochs {self.epochs + 1} to {runner.max_epochs}, all layers are trained'
        if step == 1:
            what = f'epochs 1 to {self.epochs}, backbone frozen, all other layers are trained'
        runner.logger.info(f'step {step} of 2: {what} (now: epoch {runner.epoch + 1})')
