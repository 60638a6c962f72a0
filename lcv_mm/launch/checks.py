"""What MMEngine would ignore in a config, or meet only hours later; and the parts of a built run against each other."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import OPTIMIZERS
from mmengine.runner import Runner

from ..checkpoints.checkpoint_fit_hook import bare_model
from ..datasets import dataset_labels
from ..errors import ConfigError, DataError, did_you_mean, first_difference
from .config import setting
from .messages import find_part, unknown_type

PARAMWISE = 'optim_wrapper.paramwise_cfg'
# What MMEngine reads in sections of which it ignores unknown keys; it refuses those of the others itself
KNOWN = {
    'env_cfg': ('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'),
    'auto_scale_lr': ('enable', 'base_batch_size'),
    PARAMWISE: (
        'custom_keys', 'bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult', 'dwconv_decay_mult', 'flat_decay_mult',
        'dcn_offset_lr_mult', 'bypass_duplicate',
    ),
}  # fmt: skip


def check_config(cfg: Config) -> None:
    """Raise ConfigError for an unknown key or optimizer, of which MMEngine does not say so; nothing is built."""
    _check_keys(cfg)
    # the one `type` of which MMEngine does not say that it is unknown
    kind = setting(cfg, 'optim_wrapper.optimizer.type')
    if kind is not None and find_part(OPTIMIZERS, kind, cfg.get('default_scope')) is None:
        raise ConfigError(unknown_type('optim_wrapper.optimizer', kind, OPTIMIZERS))


def check_run(runner: Runner, cfg: Config, loaders: Sequence[str]) -> None:
    """Check a run that has been built, and the loaders that it will use, before any weights are loaded.

    MMPretrain's `ClassNumCheckHook` looks at the classes too, but only after the weights are loaded, at datasets that
    have `CLASSES`, and not at the labels.

    Raises:
        ConfigError: If the model does not fit the settings, or the classes and labels of a dataset.
        DataError: If a dataset is empty, or two of them have different classes.
    """
    model = bare_model(runner)
    _check_custom_keys(cfg, [name for name, _ in model.named_parameters()])
    loops = {name: getattr(runner, name.replace('dataloader', 'loop')) for name in loaders}
    datasets = {f'{name}.dataset': loop.dataloader.dataset for name, loop in loops.items() if loop is not None}
    named = {where: getattr(dataset, 'metainfo', {}).get('classes') for where, dataset in datasets.items()}
    classes = {where: list(names) for where, names in named.items() if names is not None}
    for where, names in classes.items():
        first, expected = next(iter(classes.items()))
        if names != expected:
            raise DataError(
                f'{first} and {where} have different classes; expected the same in the same order, but '
                f'{first_difference(expected, names)}. Take both from one dataset, or make their folders alike'
            )
    for where, dataset in datasets.items():
        if not len(dataset):
            raise DataError(f'{where}: {type(dataset).__name__} holds no image; expected at least one: see its folder')
        if where in classes:
            _check_classes(model, where, type(dataset).__name__, len(classes[where]))
        _check_labels(getattr(getattr(model, 'head', None), 'num_classes', None), where, dataset)


def _check_keys(cfg: Config) -> None:
    for section, known in KNOWN.items():
        part = setting(cfg, section)
        if section == PARAMWISE and setting(cfg, 'optim_wrapper.constructor') is not None:
            continue
        unknown = [key for key in part if key not in known] if isinstance(part, Mapping) else []
        if unknown:
            raise ConfigError(
                f'{section}.{unknown[0]}={part[unknown[0]]}: there is no such setting{did_you_mean(unknown[0], known)} '
                f'Expected one of {", ".join(sorted(known))}'
            )


def _check_custom_keys(cfg: Config, names: list[str]) -> None:
    if setting(cfg, 'optim_wrapper.constructor') is not None:
        return
    for key in setting(cfg, f'{PARAMWISE}.custom_keys') or {}:
        if not any(key in name for name in names):
            parts = {'.'.join(name.split('.')[:depth]) for name in names for depth in (1, 2, 3)}
            raise ConfigError(
                f'{PARAMWISE}.custom_keys[{key!r}]: no parameter of the model has this in its name'
                f'{did_you_mean(key, parts)} Expected a part of names such as {names[0]} or {names[-1]}; correct or '
                'remove it'
            )


def _check_classes(model: Any, where: str, name: str, count: int) -> None:
    """Raise ConfigError unless the model has as many classes as a dataset."""
    for key, section in (('head', 'model.head'), ('data_preprocessor', 'data_preprocessor')):
        given = getattr(getattr(model, key, None), 'num_classes', None)
        if isinstance(given, int) and 0 < given != count:
            raise ConfigError(
                f'{section}.num_classes={given}, but {name} ({where}) has {count} classes; set '
                f'{section}.num_classes={count}, or take the dataset that the model is for'
            )


def _check_labels(num_classes: Any, where: str, dataset: Any) -> None:
    """Raise ConfigError unless each label is one that the head has a score for."""
    labels = None
    with suppress(TypeError, ValueError):  # it has none, or several for each image
        labels = dataset_labels(dataset)
    if not isinstance(num_classes, int) or labels is None:
        return
    wrong = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if len(wrong):
        index = int(wrong[0])
        info = dataset.get_data_info(index) if hasattr(dataset, 'get_data_info') else {}
        raise ConfigError(
            f'{where}: {len(wrong)} of {len(labels)} labels are beyond the head, the first is {labels[index]} of '
            f'{info.get("img_path", f"image {index}")}; model.head.num_classes={num_classes} expects 0 to '
            f'{num_classes - 1}. Set model.head.num_classes={int(labels.max()) + 1}, or correct the lists'
        )
