"""How weights fit a model: by name and shape."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.checkpoint import load_state_dict
from torch import Tensor, nn

from ..errors import CheckpointError

CONFIG_ADVICE = 'Expected a checkpoint of this config: give one from its work_dir, or the config used for training'


class Fit(NamedTuple):
    """How weights fit a module, see `fit_of`."""

    fitting: int
    summary: str  # '6 of the 8 tensors of VGG fit'
    wrong: dict[str, str]  # {name: what is wrong} of the tensors that the file lacks or has in another shape
    extra: list[str]  # names that only the file has

    def in_full(self) -> 'Fit':
        """The same fit, with extra names counted as wrong."""
        return self._replace(wrong={**self.wrong, **dict.fromkeys(self.extra, 'is not in the model')})

    def all_wrong(self) -> list[str]:
        """A text for each wrong tensor."""
        return [f'{key} {text}' for key, text in self.wrong.items()]

    def first_wrong(self) -> str:
        return f'The first that do not: {"; ".join(self.all_wrong()[:3])}'


def fit_of(module: nn.Module, weights: Mapping[str, Any]) -> Fit:
    """Compare weights with a module, by name and shape.

    The counters of batch norm are ignored: older files lack them, and they have no effect if there is a momentum.
    """
    expected = {key: value for key, value in module.state_dict().items() if not key.endswith('num_batches_tracked')}
    given = {key: value for key, value in weights.items() if not key.endswith('num_batches_tracked')}
    wrong = {
        key: f'is {_shape(given[key])} in the file, expected {_shape(value)}'
        for key, value in expected.items()
        if key in given and _shape(given[key]) != _shape(value)
    }
    wrong |= {key: 'is missing' for key in expected if key not in given}
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


def loads_strictly(model: nn.Module, weights: dict[str, Any]) -> bool:
    """Load weights; False if they do not fit completely. Some parts convert other formats."""
    try:
        load_state_dict(model, weights, strict=True)
    except RuntimeError:
        return False
    return True


def _shape(value: Any) -> tuple[int, ...] | None:
    return tuple(value.shape) if isinstance(value, Tensor) else None
