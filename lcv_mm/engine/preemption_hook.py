"""A run that gets a signal to stop saves first."""

import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_reduce, barrier, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from .resume import INTERRUPTED, NOTE
from .save import write_atomically

EXIT_TRY_AGAIN = 75  # `os.EX_TEMPFAIL`, "temporary failure: try again", not available on Windows


@HOOKS.register_module()
class PreemptionHook(Hook):
    """On SIGTERM (a cluster's preemption) or Ctrl-C, saves the run where it stands and ends it with exit code 75.

    An iteration that has begun is finished; all goes to `interrupted.pth` in the work dir, from which `--resume`
    carries on as if nothing had been (in the middle of an epoch with `ResumableTrainLoop`). A second signal acts as
    without this hook. Of several processes it is enough to tell one; they see a validation through.

    Args:
        signals (Sequence[str]): Names of the signals to obey, such as 'SIGUSR1' for Slurm's `--signal=USR1@90`.
    """

    priority = 'LOWEST'  # what is saved is the state after all other hooks

    def __init__(self, signals: Sequence[str] = ('SIGTERM', 'SIGINT')) -> None:
        self.signals = [signal.Signals[name] for name in signals]
        self._signalled = False
        self._can_leave = False  # in a validation, with nothing to save
        self._iter = 0  # iterations done
        self._saved_iter = -1
        self._handlers: dict[int, Any] = {}

    def before_train(self, runner: Runner) -> None:
        self._runner = runner
        self._pid = os.getpid()
        if threading.current_thread() is threading.main_thread():  # Python allows it nowhere else
            self._handlers = {number: signal.signal(number, self._on_signal) for number in self.signals}

    def before_train_epoch(self, runner: Runner) -> None:
        self._iter = runner.iter
        self._stop_if_signalled(runner)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        self._iter = runner.iter + 1
        self._stop_if_signalled(runner)

    def after_lost_batch(self, runner: Runner) -> None:
        """Called by `ResumableTrainLoop`: the signal may have ended the loader's workers, too."""
        if self._signalled and not runner.distributed:
            self._stop(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if 'optimizer' in checkpoint:
            self._saved_iter = checkpoint['meta']['iter']  # on the main process alone: only that one saves

    def after_train_epoch(self, runner: Runner) -> None:
        if self._is_saved():
            (Path(runner.work_dir) / INTERRUPTED).unlink(missing_ok=True)  # the epoch's checkpoint has replaced it

    # A validation is left at once if its epoch is saved (it is done again then), and else seen through; by several
    # processes always, since they may have different numbers of its batches and could not agree.

    def before_val(self, runner: Runner) -> None:
        self._iter = runner.iter
        self._can_leave = self._is_saved() and not runner.distributed

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence | None = None
    ) -> None:
        if self._signalled and self._can_leave:
            self._stop(runner)

    def after_val(self, runner: Runner) -> None:
        self._can_leave = False
        self._stop_if_signalled(runner)

    def after_train(self, runner: Runner) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: Any) -> None:
        if os.getpid() != self._pid:
            return  # a loader's worker, that has this handler from the main process: that one will end it
        if self._signalled:
            signal.signal(number, self._handlers[number])
            os.kill(os.getpid(), number)
            return
        self._signalled = True
        # The signal may have gone to the loaders' workers too, and torch's handler raises where one of them has died.
        if hasattr(signal, 'SIGCHLD'):  # not on Windows
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._runner.logger.warning(f'{signal.Signals(number).name}: saving and stopping (again: stop at once)')
        if self._can_leave:  # without workers no batch would end
            self._stop(self._runner)

    def _stop_if_signalled(self, runner: Runner) -> None:
        signalled = torch.tensor(int(self._signalled))
        all_reduce(signalled, op='max')  # at the same point of the run on all
        if signalled:
            self._stop(runner)

    def _stop(self, runner: Runner) -> None:
        if is_main_process() and not self._is_saved():
            backend = dict(backend='atomic')
            meta = dict(epoch=runner.epoch, iter=self._iter)
            runner.save_checkpoint(runner.work_dir, INTERRUPTED, meta=meta, by_epoch=False, backend_args=backend)
            file = Path(runner.work_dir) / INTERRUPTED
            write_atomically(file.with_name(NOTE), str(file))
        barrier()  # a launcher ends all processes as soon as the first has ended
        runner.logger.warning(f'Stopped after iteration {self._iter}, everything is saved: carry on with --resume')
        raise SystemExit(EXIT_TRY_AGAIN)

    def _is_saved(self) -> bool:
        return self._saved_iter == self._iter
