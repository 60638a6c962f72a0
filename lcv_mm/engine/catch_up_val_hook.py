"""The validation that a stopped run still owes."""

from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS

LAST_VALIDATED = 'last_validated_epoch'  # no name that begins with 'val': MMEngine would log it


@HOOKS.register_module()
class CatchUpValHook(Hook):
    """Validates first, where a run is resumed from a checkpoint that was saved but not validated yet.

    MMEngine saves an epoch's checkpoint before it validates, and a resumed run starts with the next epoch. Without
    this, a run stopped in between has no score of that epoch, and may keep another checkpoint as the best.
    """

    priority = 'LOWEST'  # of `before_train`: all hooks are ready for a validation

    def before_train(self, runner: Runner) -> None:
        if _owes_validation(runner):
            runner.logger.info(f'Validating epoch {runner.epoch} first: its checkpoint was saved before that was done')
            runner.val_loop.run()

    def before_val(self, runner: Runner) -> None:
        # noted at once: the checkpoint that is saved again for a new best score is to hold it
        runner.message_hub.update_info(LAST_VALIDATED, runner.epoch)


def _owes_validation(runner: Runner) -> bool:
    loop = runner.train_loop
    if runner.val_loop is None or not isinstance(loop, EpochBasedTrainLoop):
        return False
    loop._decide_current_val_interval()
    is_due = loop.epoch >= loop.val_begin and (loop.epoch % loop.val_interval == 0 or loop.epoch == loop.max_epochs)
    return loop.epoch > 0 and is_due and runner.message_hub.runtime_info.get(LAST_VALIDATED) != loop.epoch
