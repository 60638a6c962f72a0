"""What MMEngine would ignore in a config, or meet only hours later; and the parts of a built run against each other."""

import inspect
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.registry import OPTIMIZERS
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from ..datasets import dataset_labels
from ..errors import ConfigError, DataError, did_you_mean, first_difference
from .config import listed, setting, type_name
from .messages import find_part, unknown_type

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
PARAMWISE = 'optim_wrapper.paramwise_cfg'
# What MMEngine's constructor of optimizers reads there; `lr_mult` and `decay_mult` it reads in `custom_keys` alone
OF_PARAMWISE = (
    'custom_keys', 'bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult', 'dwconv_decay_mult', 'flat_decay_mult',
    'dcn_offset_lr_mult', 'bypass_duplicate',
)  # fmt: skip
# setting -> the least whole number that it may be
LEAST = {
    **{f'{loader}.batch_size': 1 for loader in LOADERS},
    **{f'{loader}.num_workers': 0 for loader in LOADERS},
    **{f'train_cfg.{key}': 1 for key in ('max_epochs', 'max_iters', 'val_interval', 'val_begin')},
    'model.head.num_classes': 1,
    'default_hooks.checkpoint.interval': -1,  # never
    'randomness.seed': 0,
    'auto_scale_lr.base_batch_size': 1,
}
CROPS = ('RandomCrop', 'CenterCrop')
# transforms that leave the size as it is; after any other it is not known
NEUTRAL = ('LoadImageFromFile', 'RandomFlip', 'ColorJitter', 'Lighting', 'RandomErasing', 'Normalize', 'PackInputs')


def check_config(cfg: Config) -> None:
    """Check the settings that no part checks itself; nothing is built.

    Args:
        cfg (Config): Config of a run.

    Raises:
        ConfigError: If a key is unknown, a number out of its range, a crop larger than its image, a metric asked
            for that is not computed, or a GPU that is not there.
    """
    _check_keys(cfg)
    # the one `type` of which MMEngine does not say that it is unknown
    kind = setting(cfg, 'optim_wrapper.optimizer.type')
    if kind is not None and find_part(OPTIMIZERS, kind, cfg.get('default_scope')) is None:
        raise ConfigError(unknown_type('optim_wrapper.optimizer', kind, OPTIMIZERS))
    for i, scheduler in enumerate(listed(cfg.get('param_scheduler'))):
        key = f'param_scheduler.{i}' if isinstance(cfg.param_scheduler, list) else 'param_scheduler'
        for name in {'step_size', 'T_max'} & {*scheduler}:
            _check_number(f'{key}.{name}', scheduler[name], 1)
    for key, least in LEAST.items():
        _check_number(key, setting(cfg, key), least)
    for loader in LOADERS:
        _check_loader(cfg, loader)
        _check_crops(setting(cfg, f'{loader}.dataset'), f'{loader}.dataset')
    for evaluator in ('val_evaluator', 'test_evaluator'):
        _check_accuracy(cfg, evaluator)
    gpus = os.environ.get('CUDA_VISIBLE_DEVICES', '')
    if gpus.replace(',', '').isdigit() and not torch.cuda.is_available():
        raise ConfigError(
            f'CUDA_VISIBLE_DEVICES={gpus} asks for a GPU, but torch finds none; '
            'install a build of torch for it and see nvidia-smi, or unset the variable to run on the CPU'
        )


def check_run(runner: Runner, cfg: Config, loaders: Sequence[str]) -> None:
    """Check a run that has been built, before any weights are loaded.

    MMPretrain's `ClassNumCheckHook` looks at the classes too, but only after the weights are loaded, at datasets that
    have `CLASSES`, and not at the labels.

    Args:
        runner (Runner): Of the config.
        cfg (Config): The config.
        loaders (Sequence[str]): Names of the loaders that the run will use, such as 'train_dataloader'.

    Raises:
        ConfigError: If the model does not fit the settings, or the classes and labels of a dataset.
        DataError: If a dataset is empty, or two of them have different classes.
    """
    model = runner.model
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    _check_custom_keys(cfg, [name for name, _ in model.named_parameters()])
    classes: dict[str, list[str]] = {}
    for name in loaders:
        loop = getattr(runner, name.replace('dataloader', 'loop'))
        if loop is None:
            continue
        dataset, where = loop.dataloader.dataset, f'{name}.dataset'
        if not len(dataset):
            raise DataError(f'{where}: {type(dataset).__name__} holds no image; expected at least one: see its folder')
        names = getattr(dataset, 'metainfo', {}).get('classes')
        if names is not None:
            classes[where] = list(names)
            _check_classes(model, where, type(dataset).__name__, len(names))
        _check_labels(getattr(getattr(model, 'head', None), 'num_classes', None), where, dataset)
    for where, names in classes.items():
        first, expected = next(iter(classes.items()))
        if names != expected:
            raise DataError(
                f'{first} and {where} have different classes; expected the same in the same order, but '
                f'{first_difference(expected, names)}. Take both from one dataset'
            )


def _check_keys(cfg: Config) -> None:
    """The sections that name no `type`: MMEngine ignores unknown keys in some, and in others ends without a hint."""
    loader = {*inspect.signature(DataLoader).parameters, 'num_batch_per_epoch', 'disable_subprocess_warning'}
    sections: dict[str, Iterable[str]] = {name: loader - {'self'} for name in LOADERS}
    sections['env_cfg'] = ('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit')
    sections['auto_scale_lr'] = ('enable', 'base_batch_size')
    sections['randomness'] = [*inspect.signature(Runner.set_randomness).parameters][1:]
    if isinstance(cfg.get('train_cfg'), Mapping) and 'type' not in cfg.train_cfg:
        loop = EpochBasedTrainLoop if cfg.train_cfg.get('by_epoch') else IterBasedTrainLoop
        sections['train_cfg'] = ['by_epoch', *[*inspect.signature(loop).parameters][2:]]
    if setting(cfg, 'optim_wrapper.constructor') is None:
        sections[PARAMWISE] = OF_PARAMWISE
    for section, known in sections.items():
        part = setting(cfg, section)
        unknown = [key for key in part if key not in known] if isinstance(part, Mapping) else []
        if section == PARAMWISE and unknown and unknown[0] in ('lr_mult', 'decay_mult'):
            raise ConfigError(
                f'{section}.{unknown[0]}={part[unknown[0]]}: MMEngine reads it nowhere; give it to the parameters it '
                f'is for, such as {PARAMWISE}.custom_keys=dict(backbone=dict({unknown[0]}=0.1)), or set lr or '
                'weight_decay of the optimizer'
            )
        if unknown:
            value = str(part[unknown[0]])
            raise ConfigError(
                f'{section}.{unknown[0]}={value if len(value) <= 60 else f"{value[:57]}..."}: there is no such setting'
                f'{did_you_mean(unknown[0], known)} Expected one of {", ".join(sorted(known))}'
            )


def _check_loader(cfg: Config, name: str) -> None:
    loader = cfg.get(name) or {}
    absent = [key for key in ('dataset', 'sampler') if loader and key not in loader]
    if absent:
        raise ConfigError(
            f'{name}: expected a dataset and a sampler, got {", ".join(loader)}; add {absent[0]}=dict(type=...), '
            "such as sampler=dict(type='DefaultSampler', shuffle=True)"
        )
    if loader.get('persistent_workers') and not loader.get('num_workers'):
        raise ConfigError(
            f'{name}.persistent_workers=True: there are no workers to keep; set {name}.persistent_workers=False, or '
            f'{name}.num_workers to 1 or more'
        )


def _check_number(key: str, value: Any, least: int) -> None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
        raise ConfigError(
            f'{key}={value!r}: expected a whole number from {least} up; set it, e.g. with --cfg-options {key}=...'
        )


def _check_crops(part: Any, where: str) -> None:
    """Look for pipelines in a dataset's config, and hold each crop against the size that its images have by then.

    MMPretrain cuts what is there, so that the network would see smaller images than the config says.
    """
    if isinstance(part, list | tuple):
        for i, item in enumerate(part):
            _check_crops(item, f'{where}.{i}')
    elif isinstance(part, Mapping):
        for key, value in part.items():
            if key == 'pipeline' and isinstance(value, list | tuple):
                _check_pipeline(value, f'{where}.pipeline')
            else:
                _check_crops(value, f'{where}.{key}')


def _check_pipeline(pipeline: list[Any] | tuple[Any, ...], where: str) -> None:
    short_side: int | None = None
    for i, step in enumerate(pipeline):
        name = type_name(step)
        crop = step.get('crop_size') if name in CROPS else None
        if crop is not None:
            largest, smallest = max(listed(crop)), min(listed(crop))
            pads = any(step.get(key) for key in ('padding', 'pad_if_needed', 'auto_pad'))
            if short_side is not None and largest > short_side and not pads:
                raise ConfigError(
                    f'{where}.{i}.crop_size={crop}: {name} is larger than the images, whose short side is '
                    f'{short_side} by then; expected at most {short_side}: lower the crop, or raise the scale of the '
                    'resize before it'
                )
            short_side = smallest
        elif name == 'ResizeEdge':
            short_side = step.get('scale') if step.get('edge', 'short') == 'short' else None
        elif name == 'Resize' and isinstance(step.get('scale'), list | tuple) and not step.get('keep_ratio'):
            short_side = min(step['scale'])
        elif name not in NEUTRAL:
            short_side = None


def _check_accuracy(cfg: Config, evaluator: str) -> None:
    """`Accuracy` over more classes than there are, or under a name that it does not give, fails at its first result."""
    metrics = listed(cfg.get(evaluator))
    num_classes = setting(cfg, 'model.head.num_classes')
    names: list[str] = []
    for metric in metrics:
        topk = listed(metric.get('topk', 1)) if type_name(metric) == 'Accuracy' else []
        if topk and isinstance(num_classes, int) and max(topk) > num_classes:
            raise ConfigError(
                f'{evaluator}.topk={tuple(topk)}: expected at most {num_classes}, the classes of model.head; '
                f'set {evaluator}.topk={tuple(k for k in topk if k <= num_classes) or (1,)}'
            )
        names += [f'accuracy/top{k}' for k in topk]
        if not topk or {'thrs', 'prefix'} & {*metric}:
            return  # the names of other metrics are not known here
    best = setting(cfg, 'default_hooks.checkpoint.save_best')
    if evaluator == 'val_evaluator' and names and isinstance(best, str) and best not in ('auto', *names):
        raise ConfigError(
            f'default_hooks.checkpoint.save_best={best!r}: val_evaluator gives no such metric'
            f'{did_you_mean(best, names)} It gives {", ".join(names)}; name one of them, or None'
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
