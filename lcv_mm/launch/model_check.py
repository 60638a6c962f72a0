"""Settings of a config against the model that was built from it."""

from collections.abc import Mapping

from mmengine.config import Config
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ..errors import ConfigError, did_you_mean
from .config_parts import listed, setting, type_name


def check_model(runner: Runner, cfg: Config) -> None:
    """Check the settings that only the built model can tell to be right.

    Args:
        runner (Runner): Of the config, built.
        cfg (Config): The config.

    Raises:
        ConfigError: If a learning rate is for parameters that are not there, images are mixed under a loss that
            needs one label an image, or an accuracy is over more classes than the head has.
    """
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    _check_custom_keys(cfg, [name for name, _ in model.named_parameters()])
    if hasattr(model, 'variance_loss') and getattr(model.data_preprocessor, 'batch_augments', None) is not None:
        raise ConfigError(
            f'model.train_cfg.augments: {type(model).__name__} compares images of one label with images of another, '
            'but Mixup and CutMix give an image two; take them out (model.train_cfg=None)'
        )
    for name in ('val_evaluator', 'test_evaluator'):
        _check_topk(cfg, name)


def _check_custom_keys(cfg: Config, names: list[str]) -> None:
    section = 'optim_wrapper.paramwise_cfg.custom_keys'
    if setting(cfg, 'optim_wrapper.constructor') is not None:
        return
    for key in setting(cfg, section) or {}:
        if not any(key in name for name in names):
            parts = {'.'.join(name.split('.')[:depth]) for name in names for depth in (1, 2, 3)}
            raise ConfigError(
                f'{section}[{key!r}]: no parameter of the model has this in its name{did_you_mean(key, parts)} '
                f'Expected a part of names such as {names[0]} or {names[-1]}; correct or remove it'
            )


def _check_topk(cfg: Config, evaluator: str) -> None:
    num_classes = setting(cfg, 'model.head.num_classes')
    for metric in listed(cfg.get(evaluator)):
        if not isinstance(metric, Mapping) or type_name(metric) != 'Accuracy' or not isinstance(num_classes, int):
            continue
        topk = listed(metric.get('topk', 1))
        if max(topk) > num_classes:
            raise ConfigError(
                f'{evaluator}.topk={tuple(topk)}: expected at most {num_classes}, the classes of model.head; '
                f'set {evaluator}.topk={tuple(k for k in topk if k <= num_classes) or (1,)}'
            )
