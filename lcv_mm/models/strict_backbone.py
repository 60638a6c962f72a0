"""What our backbones share besides their layers."""

from collections.abc import Mapping

from mmengine.model import BaseModule
from torch import Tensor

from ..checkpoints.pretrained import load_pretrained


class StrictBackbone(BaseModule):
    """A backbone whose pretrained weights must fit, to be mixed in before one of MMPretrain's."""

    def init_weights(self) -> None:
        """Initialise; pretrained weights that do not fit are an error here, where MMEngine only warns.

        Raises:
            WeightsError: If the checkpoint can't be had or does not fit.
        """
        if isinstance(self.init_cfg, dict) and self.init_cfg['type'] == 'Pretrained':
            load_pretrained(
                self, self.init_cfg['checkpoint'], prefix=self.init_cfg.get('prefix'), rename=self.rename_weights
            )
            self._is_init = True
        else:
            super().init_weights()

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
