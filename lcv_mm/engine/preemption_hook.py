"""Save a checkpoint when a signal asks the run to stop."""

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
    """On SIGTERM (a cluster's preemption) or Ctrl-C, saves the run and ends it with exit code 75.

    The current iteration is finished first. The checkpoint is `interrupted.pth` in the work dir. `--resume` continues
    from it exactly (with `ResumableTrainLoop`, also in the middle of an epoch). A second signal acts as it would
    without this hook. With several processes, one signal is enough, and a running validation is finished first.

    Args:
        signals (Sequence[str]): Names of the signals, such as 'SIGUSR1' for Slurm's `--signal=USR1@90`. Defaults to
            SIGTERM and SIGINT.

    Raises:
        SystemExit: With code 75, after saving.

    Examples:
        >>> hook = HOOKS.build(dict(type='PreemptionHook', signals=['SIGTERM', 'SIGINT']))
    """

    priority = 'LOWEST'  # saves the state after all other hooks

    def __init__(self, signals: Sequence[str] = ('SIGTERM', 'SIGINT')) -> None:
        self.signals = [signal.Signals[name] for name in signals]
        self._signalled = False
        self._can_leave = False  # during a validation, when nothing needs to be saved
        self._iter = 0  # iterations done
        self._saved_iter = -1
        self._handlers: dict[int, Any] = {}

    def before_train(self, runner: Runner) -> None:
        self._runner = runner
        self._pid = os.getpid()
        if threading.current_thread() is threading.main_thread():  # Python allows handlers only here
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
        """Called by `ResumableTrainLoop`: the signal may also have ended the loader's workers."""
        if self._signalled and not runner.distributed:
            self._stop(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if 'optimizer' in checkpoint:
            self._saved_iter = checkpoint['meta']['iter']  # only in the main process, which saves

    def after_train_epoch(self, runner: Runner) -> None:
        if self._is_saved():
            (Path(runner.work_dir) / INTERRUPTED).unlink(missing_ok=True)  # the epoch's checkpoint has replaced it

    # A validation is left at once if its epoch is saved; it is then repeated after resuming. Otherwise it is finished
    # first. Several processes always finish it, since they may have different numbers of batches and could not agree.

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
            return  # a loader's worker, which inherited this handler; the main process will end it
        if self._signalled:
            signal.signal(number, self._handlers[number])
            os.kill(os.getpid(), number)
            return
        self._signalled = True
        # The signal may also have reached the loaders' workers, and torch's handler raises if one of them has died.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._runner.logger.warning(f'{signal.Signals(number).name}: saving and stopping (again: stop at once)')
        if self._can_leave:  # if the workers are gone, no batch would ever end
            self._stop(self._runner)

    def _stop_if_signalled(self, runner: Runner) -> None:
        signalled = torch.tensor(int(self._signalled))
        all_reduce(signalled, op='max')  # at the same point of the run on all ranks
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
        runner.logger.warning(f'Stopped after iteration {self._iter}, everything is saved: continue with --resume')
        raise SystemExit(EXIT_TRY_AGAIN)

    def _is_saved(self) -> bool:
        return self._saved_iter == self._iter
