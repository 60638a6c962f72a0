"""Strict matching of weights and models, and the hook that applies it to checkpoints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.checkpoint import load_state_dict
from mmpretrain.registry import HOOKS
from torch import Tensor, nn

from ..errors import CheckpointError, first_difference
from .resume import last_good_checkpoint, schedule_differences

OF_THE_CONFIG = 'Expected a checkpoint of this config: give one from its work_dir, or the config used for training'
OF_A_BACKBONE = "Weights of a backbone alone: model.backbone.init_cfg=dict(type='Pretrained', checkpoint=...)"


class Fit(NamedTuple):
    """How weights fit a module, see `fit_of`."""

    fitting: int
    summary: str  # '6 of the 8 tensors of VGG fit'
    wrong: list[str]  # a text for each tensor that is missing in the file or has another shape there
    extra: list[str]  # names that only the file has

    def in_full(self) -> 'Fit':
        """The same fit, with extra names counted as wrong."""
        return self._replace(wrong=[*self.wrong, *(f'{key} is not in the model' for key in self.extra)])

    def first_wrong(self) -> str:
        return f'The first that do not: {"; ".join(self.wrong[:3])}'


def fit_of(module: nn.Module, weights: Mapping[str, Any]) -> Fit:
    """Compare weights with a module, by name and shape.

    The counters of batch norm are ignored: older files lack them, and they have no effect if there is a momentum.
    """
    expected = {key: value for key, value in module.state_dict().items() if not key.endswith('num_batches_tracked')}
    given = {key: value for key, value in weights.items() if not key.endswith('num_batches_tracked')}
    shapes = [
        f'{key} is {_shape(given[key])} in the file, expected {_shape(value)}'
        for key, value in expected.items()
        if key in given and _shape(given[key]) != _shape(value)
    ]
    wrong = shapes + [f'{key} is missing' for key in expected if key not in given]
    fitting = len(expected) - len(wrong)
    summary = f'{fitting} of the {len(expected)} tensors of {type(module).__name__} fit'
    return Fit(fitting, summary, wrong, [key for key in given if key not in expected])


def unwrap_model(runner: Runner) -> Any:
    """The model of a run without its wrappers for several processes and test-time augmentation."""
    model = runner.model
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model


def without_module_prefix(weights: Mapping[str, Any], module: nn.Module) -> dict[str, Any]:
    """The weights without DistributedDataParallel's `module.`, unless the model's own names have it (LoRAModel)."""
    names = module.state_dict().keys()
    return {key if key in names else key.removeprefix('module.'): value for key, value in weights.items()}


def state_dict_in(content: Any, source: str, *names: str) -> Mapping[str, Any]:
    """The weights in a file: under the first of these names that exists, or else all of it. Raises for NaN, +inf."""
    if not isinstance(content, Mapping):
        raise CheckpointError(f'{source}: holds a {type(content).__name__}; expected a state dict or a checkpoint')
    weights = next((content[name] for name in names if isinstance(content.get(name), Mapping)), content)
    for key, value in weights.items():
        if isinstance(value, Tensor) and value.is_floating_point() and (value.isnan() | value.isposinf()).any():
            raise CheckpointError(f'{source}: {key} contains NaN or +inf; use an earlier checkpoint of its run')
    return weights


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Refuses a checkpoint of another model; MMEngine only warns about tensors that do not fit.

    For testing and resuming, every tensor must fit. For `load_from` in training, some may not fit (such as a classifier
    with another number of classes). The log lists them, and it is an error if none fits. A resumed run keeps the
    learning rate and schedule of the checkpoint, as in MMEngine; the log says if they differ from the config.

    Args:
        testing (bool): Whether the run only tests.

    Raises:
        CheckpointError: After loading, if the checkpoint does not fit, if its classifier was trained on other classes,
            or, when resuming, if it has no optimizer state.

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
                advice = OF_THE_CONFIG if strict else OF_A_BACKBONE
                raise CheckpointError(f'{source}: {fit.summary}. {fit.first_wrong()}. {advice}')
            runner.logger.warning(f'{source}: {fit.summary}; the others are not loaded: {"; ".join(fit.wrong)}')
        if runner._resume:
            self._check_resumed(runner, checkpoint, source)
        loader = 'test_dataloader' if self.testing else 'train_dataloader'
        # a head that does not fit keeps its initial weights, for the classes of the training dataset
        if strict or not any('head.' in text.partition(' ')[0] for text in fit.wrong):
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


def loads_strictly(model: nn.Module, weights: dict[str, Any]) -> bool:
    """Load weights; False if they do not fit completely. Some parts convert other formats."""
    try:
        load_state_dict(model, weights, strict=True)
    except RuntimeError:
        return False
    return True


def _shape(value: Any) -> tuple[int, ...] | None:
    return tuple(value.shape) if isinstance(value, Tensor) else None


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
