"""What the images of a run are: a whole dataset of the paper, drawn ones, or others."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmpretrain.registry import DATASETS

from ..data_prep import DATASETS as FACTS
from ..data_prep import Split
from ..datasets.birdlets import SETTINGS_FILE as DRAWN
from ..launch import type_name

REAL, GENERATED, OTHER = 'real', 'generated', 'other'


def count_images(cfg: Config, cwd: Path) -> dict[str, int]:
    """How many images the datasets of a config hold, {'train': ..., 'test': ...}; their paths are relative to `cwd`."""
    return {split: len(DATASETS.build(_placed(cfg[f'{split}_dataloader'].dataset, cwd))) for split in ('train', 'test')}


def data_kind(cfg: Config, cwd: Path, images: Mapping[str, int]) -> str:
    """What the data of a config are.

    Args:
        cfg (Config): Of a run.
        cwd (Path): The folder that its paths are relative to.
        images (Mapping[str, int]): How many images its splits hold, of `count_images`.

    Returns:
        str: 'generated' if they were drawn, 'real' if both splits are whole ones of a dataset of the paper, by the
        class that reads them and their numbers of images, else 'other'.
    """
    parts = {split: cfg[f'{split}_dataloader'].dataset for split in ('train', 'test')}
    names = {type_name(part) for part in parts.values()}
    roots = [_placed(part, cwd).get('data_root') for part in parts.values()]
    if 'Birdlets' in names or any(root and (Path(root) / DRAWN).is_file() for root in roots):
        return GENERATED
    for facts in FACTS.values():
        if names == {facts.type} and all(
            _is_whole(facts.splits, split, parts[split], images[split]) for split in parts
        ):
            return REAL
    return OTHER


def _is_whole(splits: Iterable[Split], name: str, part: Mapping[str, Any], images: int) -> bool:
    """Whether a dataset reads a split of this name, and as many images as that has."""
    # a dataset's own defaults are those of the paper: fold 1, the paper's protocol
    asked = {'fold': 1, 'protocol': 'paper', **part}
    return asked['split'] == name and any(
        all(asked[key] == value for key, value in split.kwargs.items()) and split.images == images for split in splits
    )


def _placed(part: Mapping[str, Any], cwd: Path) -> dict[str, Any]:
    root = part.get('data_root')
    return {**part, 'data_root': str(cwd / os.path.expanduser(root))} if root else dict(part)
