"""Loads a trained model for use outside a Runner."""

from typing import Any

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from mmpretrain.registry import DATASETS, MODELS

from ..engine.load import load_checkpoints_safely, trust_checkpoints
from ..engine.weights import CONFIG_ADVICE, fit_of, loads_strictly, state_dict_in, without_module_prefix
from ..errors import CheckpointError


def load_trained(cfg: Config, checkpoint: str, device: str | None = None, trust: bool = False) -> Any:
    """Build the model of a config, and load a checkpoint into it.

    MMPretrain's inferencers take the model, like that of `mmpretrain.get_model`. Here, a checkpoint that does not fit
    completely is refused, and a pure-Python config also works if the checkpoint lacks the names of the classes.

    Args:
        cfg (Config): Config with `model` and `test_dataloader`; its `data_preprocessor` is put into `model`.
        checkpoint (str): A file or a URL.
        device (str, optional): Such as 'cuda:1'. Defaults to a GPU if there is one.
        trust (bool): Whether the checkpoint may contain more than data, and so run code. Defaults to False.

    Returns:
        BaseModel: In evaluation mode; `_dataset_meta` has the classes of the checkpoint, or else of the test dataset.

    Raises:
        CheckpointError: If the checkpoint cannot be read or belongs to another model.
    """
    if trust:
        trust_checkpoints()
    else:
        load_checkpoints_safely()
    init_default_scope(cfg.get('default_scope') or 'mmpretrain')  # as the Runner does, for names in wrappers
    # as the Runner does: the model's own comes first
    cfg.model.setdefault('data_preprocessor', cfg.get('data_preprocessor'))
    model = MODELS.build(cfg.model)
    content = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu', logger='silent')
    weights = without_module_prefix(state_dict_in(content, checkpoint, 'state_dict'), model)
    if not loads_strictly(model, weights):
        fit = fit_of(model, weights).in_full()
        raise CheckpointError(f'{checkpoint}: {fit.summary}. {fit.first_wrong()}. {CONFIG_ADVICE}')
    model._config = cfg
    model._dataset_meta = (content.get('meta') or {}).get('dataset_meta') or {}
    if not model._dataset_meta and 'pipeline' in cfg.test_dataloader.dataset:  # otherwise it is a wrapper of datasets
        model._dataset_meta = DATASETS.build({**cfg.test_dataloader.dataset, 'lazy_init': True}).metainfo
    return model.to(device or get_device()).eval()
