"""What our backbones share besides their layers."""

from collections.abc import Mapping

from mmengine.model import BaseModule, PretrainedInit
from mmengine.registry import WEIGHT_INITIALIZERS
from torch import Tensor

from ..checkpoints.pretrained import load_pretrained


class StrictBackbone(BaseModule):
    """A backbone whose pretrained weights must fit, to be mixed in before one of MMPretrain's."""

    init_cfg: dict | list[dict] | None

    def init_weights(self) -> None:
        """Initialise; pretrained weights that do not fit are an error here, where MMEngine only warns.

        Raises:
            WeightsError: If the checkpoint can't be had or does not fit.
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
        """Turn the names of other libraries' weights into those of this backbone."""
        return state_dict

    def as_weights(self, x: Tensor) -> Tensor:
        """Images in the type of the weights: the preprocessor gives float32, also to a model after `.half()`."""
        return x.to(next(self.parameters()).dtype)

    def train(self, mode: bool = True) -> 'StrictBackbone':
        """As in `torch.nn.Module`; MMPretrain's VGG and ResNet return None."""
        super().train(mode)
        return self


def _is_pretrained(kind: str | type) -> bool:
    """Whether the `type` of an `init_cfg`, a name with or without a scope or the class, is `PretrainedInit`."""
    return (WEIGHT_INITIALIZERS.get(kind) if isinstance(kind, str) else kind) is PretrainedInit
