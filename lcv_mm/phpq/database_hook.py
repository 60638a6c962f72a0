"""The database of a retriever: the training images, encoded with the evaluated weights."""

import copy

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmpretrain.engine import VisualizationHook
from mmpretrain.models import BaseRetriever
from mmpretrain.registry import HOOKS

from ..errors import ConfigError


@HOOKS.register_module()
class DatabaseHook(Hook):
    """Encodes a retriever's database before each validation and each test.

    A retriever without a `prototype` gets the config's training images, with the pipeline, batches and workers of the
    evaluation. Options that change the training data, such as another fold, also change the database. MMPretrain's
    `PrepareProtoBeforeValLoopHook` acts before `EMAHook` swaps the weights, and does not act before a test.

    Raises:
        ConfigError: If the model is not a retriever; if the config has no training images with a pipeline; or if
            predictions are to be drawn, since they are rankings of images and not classes.
    """

    priority = 'LOW'  # after EMAHook

    def before_val_epoch(self, runner: Runner) -> None:
        self._prepare(runner, 'val_dataloader')

    def before_test_epoch(self, runner: Runner) -> None:
        self._prepare(runner, 'test_dataloader')

    def _prepare(self, runner: Runner, evaluated: str) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if not isinstance(model, BaseRetriever):
            raise ConfigError(f'DatabaseHook: {type(model).__name__} searches no database; leave the hook or --tta out')
        if any(isinstance(hook, VisualizationHook) and hook.enable for hook in runner.hooks):
            raise ConfigError(f'{type(model).__name__} predicts an order of images: leave --show and --show-dir out')
        model.prototype = model.prototype or _training_images(runner, evaluated)
        model.prepare_prototype()


def _training_images(runner: Runner, evaluated: str) -> dict:
    """Config of a loader for the training images, with the settings of the evaluation."""
    images = (runner.cfg.get('train_dataloader') or {}).get('dataset') or {}
    if 'pipeline' not in images:
        raise ConfigError('DatabaseHook: expected train_dataloader.dataset with a pipeline, or model.prototype')
    loader = copy.deepcopy(runner.cfg[evaluated])
    pipeline = loader.dataset.pipeline
    loader.dataset = copy.deepcopy(images)
    loader.dataset.pipeline = pipeline
    loader.persistent_workers = False  # the loader is rebuilt for each evaluation
    return loader
