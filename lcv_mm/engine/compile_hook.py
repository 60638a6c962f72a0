"""torch.compile of the network as one line of a config."""

from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from ..errors import ConfigError


@HOOKS.register_module()
class CompileHook(Hook):
    """Compiles parts of the model in place, `custom_hooks = [dict(type=CompileHook)]`; state dicts keep their keys.

    MMEngine's own `compile = True` compiles the whole training step with the optimizer in it, and fails there under a
    schedule (seen with torch 2.12: InternalTorchDynamoError in `SGD.step`).

    Args:
        parts (Sequence[str]): Names of the model's parts. Here: 'backbone', where the time is.
        **options: Of `torch.compile`, such as `mode`.

    Raises:
        ConfigError: When training begins, if the model has no such part.
    """

    def __init__(self, parts: Sequence[str] = ('backbone',), **options: Any) -> None:
        self.parts = parts
        self.options = options

    def before_train(self, runner: Runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        names = [name for name, _ in model.named_children()]
        for part in self.parts:
            if part not in names:
                raise ConfigError(f'CompileHook: the model has no part {part!r}; choose from {names}')
            getattr(model, part).compile(**self.options)
