"""Strict loading of pretrained backbone weights: weights that do not fit are an error."""

import os
from collections.abc import Callable, Mapping, Sequence

from mmengine.logging import print_log
from mmengine.model import BaseModule, PretrainedInit
from mmengine.registry import WEIGHT_INITIALIZERS
from torch import Tensor, nn

from ..engine.load import load_from_file, load_from_url
from ..engine.weights import fit_of, state_dict_in, without_module_prefix
from ..errors import WeightsError


class StrictBackbone(BaseModule):
    """A mixin for MMPretrain's backbones that makes pretrained weights that do not fit an error."""

    init_cfg: dict | list[dict] | None

    def init_weights(self) -> None:
        """Initialise the weights. Pretrained weights that do not fit are an error; MMEngine only warns.

        Raises:
            WeightsError: If the checkpoint can't be downloaded or does not fit.
            CheckpointError: If it is missing or damaged.
        """
        given = self.init_cfg
        configs = [given] if isinstance(given, dict) else given or []
        pretrained = [config for config in configs if _is_pretrained(config['type'])]
        self.init_cfg = [config for config in configs if config not in pretrained]
        if self.init_cfg or not pretrained:
            super().init_weights()
        for config in pretrained:  # last, as in MMEngine
            load_pretrained(self, config['checkpoint'], prefix=config.get('prefix'), rename=self.rename_weights)
        self.init_cfg, self._is_init = given, True

    def rename_weights(self, state_dict: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Rename the weights of other libraries to the names of this backbone."""
        return state_dict

    def to_weights_dtype(self, x: Tensor) -> Tensor:
        """Cast images to the dtype of the weights: the preprocessor returns float32 even after `.half()`."""
        return x.to(next(self.parameters()).dtype)

    def train(self, mode: bool = True) -> 'StrictBackbone':
        """As in `torch.nn.Module`, including the return value: MMPretrain's VGG and ResNet return None."""
        super().train(mode)
        return self


def _is_pretrained(kind: str | type) -> bool:
    """Whether the `type` of an `init_cfg` is `PretrainedInit`: a name, with or without a scope, or the class."""
    return (WEIGHT_INITIALIZERS.get(kind) if isinstance(kind, str) else kind) is PretrainedInit


def load_pretrained(
    module: nn.Module,
    checkpoint: str | os.PathLike[str],
    prefix: str | None = None,
    rename: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] | None = None,
) -> None:
    """Load weights into a backbone; fail unless every parameter and buffer has a value.

    MMEngine's `PretrainedInit` only warns if nothing fits, and training then starts from random weights.

    Args:
        module (nn.Module): The backbone.
        checkpoint (str | PathLike): A file, a URL, or `torchvision://vgg16`.
        prefix (str, optional): Keep only keys with this prefix, and strip it: `'backbone.'` for a classifier's file.
        rename (Callable, optional): Applied to the weights after the prefix is stripped.

    Raises:
        WeightsError: If the file can't be downloaded, or does not fit `module`.
        CheckpointError: If the file is missing, damaged, holds no weights, or is refused because it holds more than
            data.
    """
    source = str(checkpoint)
    load = load_from_url if '://' in source else load_from_file
    weights = state_dict_in(load(source, 'cpu'), source, 'state_dict', 'model')
    chosen: Mapping[str, Tensor] = without_module_prefix(weights, module)
    if prefix is not None:
        prefix = f'{prefix.removesuffix(".")}.'.removeprefix('module.')
        chosen = {key.removeprefix(prefix): value for key, value in chosen.items() if key.startswith(prefix)}
    if rename is not None:
        chosen = rename(chosen)
    fit = fit_of(module, chosen)
    if fit.wrong:
        raise WeightsError(
            f'{source}: {fit.summary}. {fit.first_wrong()} (the file has {_listed(list(weights))}). Set '
            "model.backbone.init_cfg.checkpoint, or .prefix to the common start of the file's keys, such as 'backbone.'"
        )
    module.load_state_dict(dict(chosen), strict=False)
    unused = f'; not used: {_listed(fit.extra)}' if fit.extra else ''
    print_log(f'{source}: {fit.summary} and are loaded{unused}', logger='current')


def _listed(names: Sequence[str]) -> str:
    return ', '.join([*names[:3], *(['...'] if len(names) > 3 else [])]) or 'nothing'
