"""A look at the data of a config before anything costly is done."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from mmengine.config import Config
from mmpretrain.registry import DATASETS

from ..errors import ConfigError, DataError, UserFacingError, first_difference
from .class_balanced_batch_sampler import dataset_labels


def check_data(cfg: Config, loaders: Iterable[str]) -> None:
    """Build the datasets of a config: missing data is reported before a model is built or weights are fetched.

    Args:
        cfg (Config): config of a run.
        loaders (Iterable[str]): names of the loaders the run will use, such as 'train_dataloader'.

    Raises:
        DataError: If the data of one is missing, incomplete or empty, or if two of them have other classes.
        ConfigError: If the classes or labels are not those that the model's head was given.
    """
    seen: list[Any] = []
    classes: dict[str, Any] = {}
    for loader in loaders:
        part = cfg.get(loader) and cfg[loader].get('dataset')
        if not part or part in seen:
            continue
        seen.append(part)
        dataset = _build(part, f'{loader}.dataset')
        if part.get('lazy_init'):
            continue
        if not len(dataset):
            raise DataError(
                f'{loader}.dataset: {type(dataset).__name__} holds no image; expected one at least: look at '
                f'{", ".join(f"{key}={value}" for key, value in part.items() if isinstance(value, str))}'
            )
        classes[loader] = getattr(dataset, 'metainfo', {}).get('classes')
        _check_classes(cfg, f'{loader}.dataset', type(dataset).__name__, classes[loader])
        _check_labels(cfg, f'{loader}.dataset', dataset)
    _check_same(classes)


def _build(part: Mapping[str, Any], where: str) -> Any:
    try:
        return DATASETS.build(part)
    except UserFacingError:
        raise
    except OSError as error:  # the toolbox's own datasets raise it for folders and lists that are not there
        raise DataError(
            f'{where}: the data can not be read ({error}); set {where}.data_root to the folder that holds it'
        ) from error


def _check_classes(cfg: Config, where: str, name: str, classes: Any) -> None:
    """Raise ConfigError unless the model has as many classes as the dataset."""
    for section in ('model.head', 'data_preprocessor'):
        given = _num_classes(cfg, section)
        if classes is not None and given is not None and given != len(classes):
            raise ConfigError(
                f'{section}.num_classes={given}, but {name} ({where}) has {len(classes)} classes; '
                f'set {section}.num_classes={len(classes)}, or take the dataset that the model is for'
            )


def _check_labels(cfg: Config, where: str, dataset: Any) -> None:
    """Raise ConfigError unless each label is one that the head has a score for."""
    num_classes = _num_classes(cfg, 'model.head')
    labels = _labels(dataset)
    if num_classes is None or labels is None:
        return
    wrong = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if len(wrong):
        index = int(wrong[0])
        info = dataset.get_data_info(index) if hasattr(dataset, 'get_data_info') else {}
        raise ConfigError(
            f'{where}: {len(wrong)} of {len(labels)} labels are beyond the head, the first is {labels[index]} of '
            f'{info.get("img_path", f"image {index}")}; model.head.num_classes={num_classes} expects 0 to '
            f'{num_classes - 1}. Set model.head.num_classes={int(labels.max()) + 1}, or mend the lists'
        )


def _labels(dataset: Any) -> np.ndarray | None:
    """The labels, (N,); None if the dataset has none, or several an image."""
    with suppress(TypeError, ValueError):
        return dataset_labels(dataset)
    return None


def _num_classes(cfg: Config, section: str) -> int | None:
    part: Any = cfg
    for name in section.split('.'):
        part = part.get(name) if isinstance(part, Mapping | Config) else None
    given = part.get('num_classes') if isinstance(part, Mapping) else None
    return given if isinstance(given, int) and given > 0 else None


def _check_same(classes: Mapping[str, Any]) -> None:
    """Raise DataError unless the splits have the same classes in the same order."""
    known = {loader: list(names) for loader, names in classes.items() if names is not None}
    if not known:
        return
    first = next(iter(known))
    for loader, names in known.items():
        if names != known[first]:
            raise DataError(
                f'{first}.dataset and {loader}.dataset have other classes; expected the same in the same order, but '
                f'{first_difference(known[first], names)}. Take both from one dataset'
            )
