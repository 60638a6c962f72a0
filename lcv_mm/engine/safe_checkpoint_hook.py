"""Checkpoints that survive what happens while they are written."""

from typing import Any

from mmengine.hooks import CheckpointHook
from mmpretrain.registry import HOOKS

from ..errors import ConfigError
from . import atomic_backend  # noqa: F401  (registers the backend 'atomic')


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """MMEngine's `CheckpointHook`, of the same arguments, that never has less than one whole checkpoint on disk.

    Files are written in full under another name first, and a run keeps at least two: MMEngine deletes the oldest
    before it writes the next.

    Raises:
        ConfigError: If `max_keep_ckpts` is 1.
    """

    def __init__(self, *args: Any, backend_args: dict | None = None, **kwargs: Any) -> None:
        super().__init__(*args, backend_args=backend_args or dict(backend='atomic'), **kwargs)
        if self.max_keep_ckpts == 1:
            raise ConfigError(
                'SafeCheckpointHook: max_keep_ckpts=1 would delete the only checkpoint before the next is written, '
                'and lose the run if that fails; use 2 or more, or -1 for all'
            )
