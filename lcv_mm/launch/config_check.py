"""A look at a config before anything is built: what MMEngine would ignore, or meet only hours later."""

import inspect
import os
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from mmpretrain.registry import OPTIMIZERS
from torch.utils.data import DataLoader

from ..errors import ConfigError, did_you_mean
from .build_errors import unknown_type
from .config_parts import listed, setting, type_name
from .crop_check import check_crops

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
PARAMWISE = (
    'custom_keys', 'lr_mult', 'decay_mult', 'bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult', 'dwconv_decay_mult',
    'flat_decay_mult', 'dcn_offset_lr_mult', 'bypass_duplicate',
)  # fmt: skip
# setting -> the least value it may have, and whether it must be a whole number
LIMITS: dict[str, tuple[float, bool]] = {
    **{f'{loader}.batch_size': (1, True) for loader in LOADERS},
    **{f'{loader}.num_workers': (0, True) for loader in LOADERS},
    **{f'train_cfg.{key}': (1, True) for key in ('max_epochs', 'max_iters', 'val_interval', 'val_begin')},
    **{f'optim_wrapper.optimizer.{key}': (0, False) for key in ('lr', 'momentum', 'weight_decay')},
    'optim_wrapper.accumulative_counts': (1, True),
    'default_hooks.logger.interval': (1, True),
    'default_hooks.checkpoint.interval': (1, True),
    'randomness.seed': (0, True),
    'auto_scale_lr.base_batch_size': (1, True),
}


def check_config(cfg: Config) -> None:
    """Check the settings that no part of its own checks.

    Args:
        cfg (Config): Config of a run.

    Raises:
        ConfigError: If a key is unknown, a number out of its range, a crop larger than its image, a metric asked
            for that is not computed, or a GPU that is not there.
    """
    _check_keys(cfg)
    _check_loaders(cfg)
    _check_hooks(cfg)
    _check_optimizer(cfg)
    for key, (least, is_whole) in LIMITS.items():
        _check_number(cfg, key, least, is_whole)
    for i, scheduler in enumerate(listed(cfg.get('param_scheduler'))):
        key = f'param_scheduler.{i}' if isinstance(cfg.param_scheduler, list) else 'param_scheduler'
        for name in ('step_size', 'T_max'):
            if isinstance(scheduler, Mapping) and name in scheduler:
                _check_number(cfg, f'{key}.{name}', 1, True)
    for loader in LOADERS:
        if isinstance(cfg.get(loader), Mapping):
            check_crops(cfg[loader].get('dataset'), f'{loader}.dataset')
    _check_save_best(cfg)
    _check_device(cfg)


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
    if isinstance(cfg.get('optim_wrapper'), Mapping) and cfg.optim_wrapper.get('constructor') is None:
        sections['optim_wrapper.paramwise_cfg'] = PARAMWISE
    for section, known in sections.items():
        part = setting(cfg, section)
        unknown = [key for key in part if key not in known] if isinstance(part, Mapping) else []
        if unknown:
            hint = did_you_mean(unknown[0], known)
            raise ConfigError(
                f'{section}.{unknown[0]}={_short(part[unknown[0]])}: there is no such setting'
                + (f'{hint} Expected one of {", ".join(sorted(known))}' if hint == '.' else f'{hint} Correct the name')
            )


def _check_loaders(cfg: Config) -> None:
    for name in LOADERS:
        absent = [key for key in ('dataset', 'sampler') if cfg.get(name) and key not in cfg[name]]
        if absent:
            raise ConfigError(
                f'{name}: expected a dataset and a sampler, got {", ".join(cfg[name])}; add '
                f'{absent[0]}=dict(type=...), '
                "such as sampler=dict(type='DefaultSampler', shuffle=True)"
            )


def _check_optimizer(cfg: Config) -> None:
    """The one `type` of which MMEngine does not say that it is unknown."""
    kind = setting(cfg, 'optim_wrapper.optimizer.type')
    if isinstance(kind, str) and OPTIMIZERS.get(kind) is None:
        raise ConfigError(unknown_type('optim_wrapper.optimizer', kind, OPTIMIZERS))


def _check_hooks(cfg: Config) -> None:
    hooks = cfg.get('default_hooks') or {}
    for name, hook in hooks.items():
        if isinstance(hook, Mapping) and 'type' not in hook:
            others = [key for key in hooks if key != name]
            raise ConfigError(
                f'default_hooks.{name}={_short(hook)}: expected a hook, a dict with a `type`'
                f'{did_you_mean(name, others)} Correct the name, or give the hook its type'
            )


def _check_number(cfg: Config, key: str, least: float, is_whole: bool) -> None:
    value = setting(cfg, key)
    if value is None:
        return
    fits = isinstance(value, int if is_whole else (int, float)) and not isinstance(value, bool) and value >= least
    if not fits:
        kind = 'a whole number' if is_whole else 'a number'
        raise ConfigError(
            f'{key}={value!r}: expected {kind} from {least} up; set it, e.g. with --cfg-options {key}=...'
        )


def _check_save_best(cfg: Config) -> None:
    """The best checkpoint's metric must be one that `Accuracy` gives; of other metrics the names are not known here."""
    metrics = listed(cfg.get('val_evaluator'))
    best = setting(cfg, 'default_hooks.checkpoint.save_best')
    names: list[str] = []
    for metric in metrics:
        if not isinstance(metric, Mapping) or type_name(metric) != 'Accuracy' or {'thrs', 'prefix'} & {*metric}:
            return
        topk = metric.get('topk', 1)
        names += [f'accuracy/top{k}' for k in ([topk] if isinstance(topk, int) else topk)]
    if names and isinstance(best, str) and best != 'auto' and best not in names:
        raise ConfigError(
            f'default_hooks.checkpoint.save_best={best!r}: val_evaluator gives no such metric'
            f'{did_you_mean(best, names)} It gives {", ".join(names)}; name one of them, or None'
        )


def _check_device(cfg: Config) -> None:
    if torch.cuda.is_available():
        return
    asked = os.environ.get('CUDA_VISIBLE_DEVICES', '')
    if asked.replace(',', '').isdigit():
        raise ConfigError(
            f'CUDA_VISIBLE_DEVICES={asked} asks for a GPU, but torch finds none; '
            'install a build of torch for it and see nvidia-smi, or unset the variable to run on the CPU'
        )
    if type_name(cfg.get('optim_wrapper')) == 'AmpOptimWrapper':
        raise ConfigError(
            'optim_wrapper.type=AmpOptimWrapper needs a GPU, but torch finds none; use --amp, which takes '
            'CPUAmpOptimWrapper (bfloat16) on a CPU, or OptimWrapper'
        )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f'{text[:57]}...'
