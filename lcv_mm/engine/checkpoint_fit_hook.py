"""A checkpoint against the model that it is loaded into."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.checkpoint import load_state_dict
from mmpretrain.registry import HOOKS
from torch import Tensor

from ..errors import CheckpointError, first_difference

_SHOWN = 3


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Refuses a checkpoint of another model, where MMEngine loads what fits and warns about the rest.

    To test and to resume, each tensor must fit. With `load_from` in training some may be left out (the classifier of
    another number of classes); the log says which, and it is an error if none fits.

    Args:
        testing (bool): Whether the run only tests.

    Raises:
        CheckpointError: After loading, if the checkpoint does not fit or was trained on other classes.
    """

    priority = 'LOWEST'  # behind EMAHook, which exchanges the weights of a checkpoint

    def __init__(self, testing: bool = False) -> None:
        self.testing = testing

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        source = runner._load_from or 'the checkpoint'
        held = _state_dict(checkpoint, source)
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        expected = {key: value for key, value in model.state_dict().items() if not key.endswith('num_batches_tracked')}
        fitting = [key for key, value in expected.items() if _shape(held.get(key)) == _shape(value)]
        strict = self.testing or runner._resume
        wrong = _differences(expected, held)
        if wrong and (strict or not fitting) and not _loads(model, held):
            raise CheckpointError(
                f'{source}: {len(fitting)} of the {len(expected)} tensors of {type(model).__name__} fit. The first '
                f'that do not: {"; ".join(wrong[:_SHOWN])}. {_advice(strict)}'
            )
        if wrong:
            runner.logger.warning(
                f'{source}: {len(fitting)} of {len(expected)} tensors are loaded; the others start anew: '
                f'{"; ".join(wrong)}'
            )
        if self.testing:
            _check_classes(source, checkpoint, runner.test_dataloader.dataset)


def _state_dict(checkpoint: Any, source: str) -> dict[str, Tensor]:
    """The weights in a checkpoint, the prefix of a distributed model taken off."""
    held = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, Mapping) else None
    if not isinstance(held, Mapping):
        raise CheckpointError(
            f'{source}: holds a {type(checkpoint).__name__}; expected the state dict of a model, as a run saves it '
            'in its work_dir'
        )
    return {key.removeprefix('module.'): value for key, value in held.items()}


def _differences(expected: Mapping[str, Tensor], held: Mapping[str, Any]) -> list[str]:
    """What differs, a text each: other shapes first, then what is missing, then what is too much."""
    shapes = [
        f'{key} is {_shape(held[key])} there, expected {_shape(value)}'
        for key, value in expected.items()
        if key in held and _shape(held[key]) != _shape(value)
    ]
    missing = [f'{key} is missing' for key in expected if key not in held]
    extra = [
        f'{key} is not in the model' for key in held if key not in expected and not key.endswith('num_batches_tracked')
    ]
    return shapes + missing + extra


def _loads(model: Any, held: dict[str, Tensor]) -> bool:
    """Whether the model takes the weights after all: parts may convert what was saved in another form."""
    try:
        load_state_dict(model, held, strict=True)
    except RuntimeError:
        return False
    return True


def _shape(value: Any) -> tuple[int, ...] | None:
    return tuple(value.shape) if isinstance(value, Tensor) else None


def _advice(strict: bool) -> str:
    if strict:
        return (
            'Expected a checkpoint of this very config: give the one of its work_dir, or the config it was trained by'
        )
    return (
        'Expected weights of such a model, saved by a run; of a backbone alone (torchvision) they are '
        "model.backbone.init_cfg=dict(type='Pretrained', checkpoint=...)"
    )


def _check_classes(source: str, checkpoint: Mapping[str, Any], dataset: Any) -> None:
    """Raise CheckpointError if the checkpoint was trained on other classes: its scores would be of those."""
    trained: Sequence[str] = list(((checkpoint.get('meta') or {}).get('dataset_meta') or {}).get('classes') or ())
    tested: Sequence[str] = list(getattr(dataset, 'metainfo', {}).get('classes') or ())
    if trained and tested and trained != tested:
        raise CheckpointError(
            f'{source}: expected the classes it was trained on, but those of test_dataloader.dataset are others: '
            f'{first_difference(trained, tested)}. Test it on the dataset it was trained on'
        )
