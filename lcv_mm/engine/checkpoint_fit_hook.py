"""The hook that refuses a checkpoint of another model or other classes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from ..errors import CheckpointError, first_difference
from .resume import last_good_checkpoint, schedule_differences
from .weights import CONFIG_ADVICE, fit_of, loads_strictly, state_dict_in, unwrap_model, without_module_prefix

BACKBONE_ADVICE = "Weights of a backbone alone: model.backbone.init_cfg=dict(type='Pretrained', checkpoint=...)"


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Refuses a checkpoint of another model; MMEngine only warns about tensors that do not fit.

    For testing and resuming, every tensor must fit. For `load_from` in training, some may not fit (such as a classifier
    with another number of classes). The log lists them, and it is an error if none fits. A resumed run keeps the
    learning rate and schedule of the checkpoint, as in MMEngine; the log says if they differ from the config.

    Args:
        testing (bool): Whether the run only tests. Defaults to False.

    Raises:
        CheckpointError: After loading, if the checkpoint does not fit or contains NaN or +inf, if its classifier was
            trained on other classes, or, when resuming, if it has no optimizer state.

    Examples:
        >>> hook = HOOKS.build(dict(type='CheckpointFitHook', testing=True))
    """

    priority = 'LOWEST'  # after EMAHook, which exchanges the weights of a checkpoint

    def __init__(self, testing: bool = False) -> None:
        self.testing = testing

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        source = runner._load_from or 'the checkpoint'
        model = unwrap_model(runner)
        weights = without_module_prefix(state_dict_in(checkpoint, source, 'state_dict'), model)
        if any(key.startswith('module.') for key in weights):  # MMEngine strips it from each name
            checkpoint['state_dict'] = {f'module.{key}': value for key, value in weights.items()}
        fit = fit_of(model, weights).in_full()
        strict = self.testing or runner._resume
        if fit.wrong and not loads_strictly(model, weights):
            if strict or not fit.fitting:
                advice = CONFIG_ADVICE if strict else BACKBONE_ADVICE
                raise CheckpointError(f'{source}: {fit.summary}. {fit.first_wrong()}. {advice}')
            runner.logger.warning(f'{source}: {fit.summary}; the others are not loaded: {"; ".join(fit.all_wrong())}')
        if runner._resume:
            self._check_resumed(runner, checkpoint, source)
        loader = 'test_dataloader' if self.testing else 'train_dataloader'
        # a head that does not fit keeps its initial weights, for the classes of the training dataset
        if strict or not any(key.removeprefix('module.').startswith('head.') for key in fit.wrong):
            _check_classes(source, checkpoint, loader, getattr(runner, loader).dataset)

    def _check_resumed(self, runner: Runner, checkpoint: dict, source: str) -> None:
        if 'optimizer' not in checkpoint or (runner.param_schedulers and 'param_schedulers' not in checkpoint):
            last, _ = last_good_checkpoint(Path(source).parent)
            raise CheckpointError(
                f'{source}: has no optimizer or scheduler state (best_*.pth files never do). Resume from '
                f'{last or "epoch_*.pth"}, or start a new run from its weights: load_from={source} without --resume'
            )
        if different := schedule_differences(runner, checkpoint):
            runner.logger.warning(
                f"{source}: the run continues with the checkpoint's settings, which differ from the config: "
                f'{", ".join(different)}. To use those of the config, start a new run with load_from, without --resume'
            )


def _check_classes(source: str, checkpoint: Mapping[str, Any], loader: str, dataset: Any) -> None:
    """Raise CheckpointError if the checkpoint was trained on other classes, since its scores refer to those."""
    trained = list(((checkpoint.get('meta') or {}).get('dataset_meta') or {}).get('classes') or ())
    given = list(getattr(dataset, 'metainfo', {}).get('classes') or ())
    if trained and given and trained != given:
        raise CheckpointError(
            f'{source}: was trained on other classes than {loader}.dataset has: {first_difference(trained, given)}. '
            "Set metainfo=dict(classes=...) in the checkpoint's order; for other classes, load only its backbone: "
            'model.backbone.init_cfg'
        )
