"""Resuming in the middle of an epoch, and running a validation that was still pending."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS, LOOPS
from torch.utils.data import DataLoader

from ..errors import CheckpointError

BATCHES_DONE = 'batches_done'
BATCHES_IN_EPOCH = 'batches_in_epoch'


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """MMEngine's `EpochBasedTrainLoop` that resumes in the middle of an epoch, with the same arguments.

    A checkpoint saved within an epoch (by `PreemptionHook`, or `CheckpointHook` with `by_epoch=False`) records the
    number of finished batches. A resumed epoch continues after them without loading their images again, whereas
    MMEngine restarts the epoch.

    Examples:
        >>> train_cfg = dict(type='ResumableTrainLoop', max_epochs=60, val_interval=10)
        >>> LOOPS.get(train_cfg['type']) is ResumableTrainLoop
        True
    """

    def run_epoch(self) -> None:
        """Run one epoch, or the rest of it.

        Raises:
            CheckpointError: If the epoch was interrupted and now has another number of batches.
        """
        hub = self.runner.message_hub
        start = hub.runtime_info.get(BATCHES_DONE, 0)
        length = hub.get_info(BATCHES_IN_EPOCH) if start else 0
        if start < length != len(self.dataloader):
            raise CheckpointError(
                f'the checkpoint was saved after {start} of the {length} batches of epoch {self._epoch + 1}, which has '
                f'{len(self.dataloader)} now; resume with the same batches, or from the end of an epoch (epoch_*.pth)'
            )
        hub.update_info(BATCHES_IN_EPOCH, len(self.dataloader))
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        for idx, data_batch in enumerate(self._batches(start), start):
            hub.update_info(BATCHES_DONE, idx + 1)  # for a checkpoint saved after this iteration
            self.run_iter(idx, data_batch)
        hub.update_info(BATCHES_DONE, 0)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def _batches(self, start: int) -> Iterator[Any]:
        try:
            yield from _from(self.dataloader, start) if start else self.dataloader
        except (RuntimeError, OSError):  # a worker has died; after a signal, `PreemptionHook` ends the run here
            self.runner.call_hook('after_lost_batch')
            raise


def _from(dataloader: DataLoader, start: int) -> DataLoader:
    """A loader of the epoch's batches from number `start` on; it does not load earlier images."""
    batches: Any = dataloader.batch_sampler
    return DataLoader(
        dataloader.dataset,
        batch_sampler=list(islice(batches, start, None)),
        num_workers=dataloader.num_workers,
        collate_fn=dataloader.collate_fn,
        pin_memory=dataloader.pin_memory,
        timeout=dataloader.timeout,
        worker_init_fn=dataloader.worker_init_fn,
        multiprocessing_context=dataloader.multiprocessing_context,
        prefetch_factor=dataloader.prefetch_factor,
    )


LAST_VALIDATED = 'last_validated_epoch'  # MMEngine would log a name that begins with 'val'


@HOOKS.register_module()
class CatchUpValHook(Hook):
    """Runs a pending validation when a run is resumed from a checkpoint that was saved but not validated.

    MMEngine saves the checkpoint of an epoch before validation, and a resumed run starts with the next epoch. Without
    this hook, a run stopped in between lacks the score of that epoch, and may keep another checkpoint as the best.

    Examples:
        >>> hook = HOOKS.build(dict(type='CatchUpValHook'))
    """

    # after the `before_train` of all other hooks; of equal priorities, MMEngine calls first what the config lists first
    priority = 'LOWEST'

    def before_train(self, runner: Runner) -> None:
        if _is_validation_pending(runner):
            runner.logger.info(f'Validating epoch {runner.epoch} first: its checkpoint was saved before that was done')
            runner.val_loop.run()

    def before_val(self, runner: Runner) -> None:
        # set before validation, so that the best checkpoint, saved again after it, includes this
        runner.message_hub.update_info(LAST_VALIDATED, runner.epoch)


def _is_validation_pending(runner: Runner) -> bool:
    loop = runner.train_loop
    if runner.val_loop is None or not isinstance(loop, EpochBasedTrainLoop):
        return False
    loop._decide_current_val_interval()
    is_due = loop.epoch >= loop.val_begin and (loop.epoch % loop.val_interval == 0 or loop.epoch == loop.max_epochs)
    return loop.epoch > 0 and is_due and runner.message_hub.runtime_info.get(LAST_VALIDATED) != loop.epoch
