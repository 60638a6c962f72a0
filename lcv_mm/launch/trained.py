"""A trained model, to be used outside a Runner."""

from typing import Any

from mmcv.transforms import LoadImageFromFile
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import load_state_dict
from mmpretrain import ImageClassificationInferencer
from mmpretrain.registry import DATASETS, MODELS, TRANSFORMS

from ..engine.checkpoint_fit_hook import OF_THE_CONFIG, fit_of, state_dict_in, unwrapped
from ..engine.load import load_checkpoints_safely, trust_checkpoints
from ..errors import CheckpointError
from .config import type_name


def load_trained(cfg: Config, checkpoint: str, device: str | None = None, trust: bool = False) -> Any:
    """Build the model of a config, and load a checkpoint into it.

    As `mmpretrain.get_model`, whose result goes into MMPretrain's inferencers, but a checkpoint that does not fit in
    full is refused, and pure-Python configs need no checkpoint with the names of the classes.

    Args:
        cfg (Config): With `model` and `test_dataloader`; its `data_preprocessor` is put into `model`.
        checkpoint (str): A file, or a URL.
        device (str, optional): Such as 'cuda:1'. Defaults to a GPU if there is one.
        trust (bool): Whether the checkpoint may hold more than weights, and so run code.

    Returns:
        BaseModel: Ready to predict; the classes it was trained on, or else of the test dataset, in `_dataset_meta`.

    Raises:
        CheckpointError: If the checkpoint can't be read, or is not one of this model.
    """
    if trust:
        trust_checkpoints()
    else:
        load_checkpoints_safely()
    init_default_scope(cfg.get('default_scope') or 'mmpretrain')  # as the Runner does, for names in wrappers
    # as the Runner does: the model's own comes first
    cfg.model.setdefault('data_preprocessor', cfg.get('data_preprocessor'))
    model = MODELS.build(cfg.model)
    content = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    weights = state_dict_in(content, checkpoint, 'state_dict')
    state_dict = unwrapped(weights, model)
    fit = fit_of(model, state_dict).in_full()
    try:
        load_state_dict(model, state_dict, strict=bool(fit.wrong))  # parts may convert what was saved in another form
    except RuntimeError as error:
        raise CheckpointError(f'{checkpoint}: {fit.summary}. {fit.first_wrong()}. {OF_THE_CONFIG}') from error
    model._config = cfg
    model._dataset_meta = (content.get('meta') or {}).get('dataset_meta') or {}
    if not model._dataset_meta and 'pipeline' in cfg.test_dataloader.dataset:  # else it is a wrapper of datasets
        model._dataset_meta = DATASETS.build({**cfg.test_dataloader.dataset, 'lazy_init': True}).metainfo
    return model.to(device or get_device()).eval()


def image_inferencer(model: Any) -> ImageClassificationInferencer:
    """MMPretrain's inferencer for a classifier of `load_trained`."""
    for step in model._config.test_dataloader.dataset.pipeline:
        if type_name(step) == 'LoadImageFromFile':
            step['type'] = 'LoadImageFromFile'  # the inferencer, which loads images itself, knows it by this name alone
    return ImageClassificationInferencer(model)


def loading_step(cfg: Config) -> Any:
    """The config's step that reads an image file, or else MMPretrain's with its defaults."""
    steps = cfg.test_dataloader.dataset.get('pipeline') or ()
    step: dict[str, Any] = next((step for step in steps if type_name(step) == 'LoadImageFromFile'), {})
    return TRANSFORMS.build({**step, 'type': LoadImageFromFile})
