"""Atomic writing of files and checkpoints."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS
from torch import Tensor

from ..errors import ConfigError, UserFacingError


def write_atomically(file: str | Path, content: bytes | memoryview | str) -> None:
    """Write a file completely, or leave the previous one unchanged.

    The bytes go to a file next to the target, which is renamed once it is complete on disk. A process that dies in
    between leaves `<name>.part`, which the next attempt overwrites. Missing parent folders are created; text is encoded
    in UTF-8. Neither MMEngine's backends nor `torch.save` write atomically.

    Raises:
        UserFacingError: If the disk refuses the file (full, quota, read-only).
    """
    target = Path(file)
    part = target.with_name(f'{target.name}.part')
    data = content.encode() if isinstance(content, str) else content
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open('wb') as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        part.replace(target)
    except OSError as error:
        with suppress(OSError):  # cleaning up may fail for the same reason; report the first error
            part.unlink(missing_ok=True)
        size = f'{-(-len(data) // 10**6)} MB'
        raise UserFacingError(f'{target}: {size} cannot be written ({error.strerror}); it is unchanged') from error


class AtomicBackend(LocalBackend):
    """MMEngine's disk backend with an atomic `put`: `backend_args=dict(backend='atomic')`."""

    def put(self, obj: bytes | memoryview, filepath: str | Path) -> None:
        """`write_atomically`."""
        write_atomically(filepath, obj)


register_backend('atomic', AtomicBackend, force=True)  # force: the module may be loaded again


# Hook state that MMEngine's checkpoints lack: name of the hook -> attributes
STATEFUL = {'EarlyStoppingHook': ('wait_count', 'best_score')}


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """MMEngine's `CheckpointHook` with atomic writing and the complete state of a run, with the same arguments.

    Files are written atomically: `backend_args` defaults to `dict(backend='atomic')`. At least two are kept, because
    MMEngine deletes the oldest before it writes the next. A checkpoint to resume from also has `run_state`, which
    MMEngine lacks: the gradients accumulated so far under `accumulative_counts` (with a single process), and the state
    of other hooks.

    Raises:
        ConfigError: If `max_keep_ckpts` is 1.

    Examples:
        >>> SafeCheckpointHook(interval=5, max_keep_ckpts=3).interval
        5
    """

    def __init__(self, *args: Any, backend_args: dict | None = None, **kwargs: Any) -> None:
        super().__init__(*args, backend_args=backend_args or dict(backend='atomic'), **kwargs)
        if self.max_keep_ckpts == 1:
            raise ConfigError(
                'SafeCheckpointHook: max_keep_ckpts=1 deletes the only one before it saves the next; use 2 or more'
            )
        self._resumed: dict[str, Any] = {}

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if 'optimizer' not in checkpoint:
            return
        hooks = {name: {key: getattr(hook, key) for key in STATEFUL[name]} for name, hook in _stateful_hooks(runner)}
        for state in checkpoint.get('param_schedulers', []):
            # OneCycleLR's state has a function, which safe loading refuses; the scheduler sets it again
            for key in [key for key, value in state.items() if callable(value)] if isinstance(state, dict) else ():
                del state[key]
        checkpoint['run_state'] = dict(hooks=hooks, gradients=_gradients(runner))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        self._resumed = checkpoint.get('run_state', {}) if runner._resume else {}

    def before_train(self, runner: Runner) -> None:
        infos = runner.message_hub.runtime_info
        for key in [key for key in infos if key.startswith('best_ckpt') and self.out_dir is None]:
            infos[key] = str(Path(runner.work_dir, Path(infos[key]).name))  # in a copied run, not in the original
        super().before_train(runner)
        for name, hook in _stateful_hooks(runner):
            vars(hook).update(self._resumed.get('hooks', {}).get(name, {}))
        gradients = self._resumed.get('gradients', {})
        for name, param in runner.model.named_parameters():
            if name in gradients:
                param.grad = gradients[name].to(param)
        self._resumed = {}


def _stateful_hooks(runner: Runner) -> list[tuple[str, Any]]:
    return [(type(hook).__name__, hook) for hook in runner.hooks if type(hook).__name__ in STATEFUL]


def _gradients(runner: Runner) -> dict[str, Tensor]:
    """Gradients accumulated for the next optimizer step; empty right after a step or with several processes."""
    wrapper = runner.optim_wrapper
    accumulating = isinstance(wrapper, OptimWrapper) and wrapper.inner_count % wrapper._accumulative_counts != 0
    if runner.distributed or not accumulating:
        return {}
    return {name: param.grad for name, param in runner.model.named_parameters() if param.grad is not None}
