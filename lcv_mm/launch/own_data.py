"""`--data DIR`: train any config on a folder of images."""

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.logging import print_log

from ..datasets import ImageFolder
from ..engine import last_good_checkpoint
from ..errors import ConfigError

SPLITS = ('train', 'val')


def use_folder(cfg: Config, folder: str | Path, val_share: float = 0.2) -> None:
    """Make a config train, validate and test on a folder of images.

    `ImageFolder`s with the config's pipelines replace its datasets, and the number of classes is set.

    Args:
        cfg (Config): Config of a run with a `work_dir`; changed in place.
        folder (str | Path): Contains `train/` and `val/`, or class folders, directly or in `train/`. Class folders are
            split; `train.txt` and `val.txt` in the work dir list the split, and a resumed run reads them.
        val_share (float): Share of each class for validation if there is no `val/`, in (0, 1). Defaults to 0.2.

    Raises:
        ConfigError: If `val_share` is out of range.
        DataError: If the class folders contain no image.
    """
    root = Path(folder).absolute()
    parts: dict[str, dict[str, Any]] = {split: dict(data_root=str(root), data_prefix=split) for split in SPLITS}
    if not all((root / split).is_dir() for split in SPLITS):
        root = root / 'train' if (root / 'train').is_dir() else root
        parts['train'] = dict(data_root=str(root))
        if cfg.get('val_dataloader') is not None:
            parts = _split(cfg, root, val_share)
    train = ImageFolder(**parts['train'])
    print_log(f'{root}: {len(train)} images of {len(train.CLASSES)} classes to train on', 'current')
    for split, part in dict(train='train', val='val', test='val').items():
        if (loader := cfg.get(f'{split}_dataloader')) is not None:
            dataset: dict[str, Any] = dict(type='lcv_mm.ImageFolder', **parts[part], test_mode=split != 'train')
            while 'dataset' in loader.dataset:  # a wrapper, such as RepeatDataset, stays
                loader = loader.dataset
            loader.dataset = dataset | dict(pipeline=loader.dataset.pipeline)
    head = cfg.model.get('head') or {}
    for counting in (head, head.get('loss'), cfg.get('data_preprocessor'), cfg.model.get('data_preprocessor')):
        if counting and 'num_classes' in counting:
            counting['num_classes'] = len(train.CLASSES)
    for evaluator in (cfg.get('val_evaluator'), cfg.get('test_evaluator')):
        for metric in evaluator if isinstance(evaluator, list) else [evaluator or {}]:
            if 'topk' in metric:
                metric['topk'] = [k for k in np.ravel(metric['topk']).tolist() if k <= len(train.CLASSES)] or [1]


def _split(cfg: Config, root: Path, val_share: float) -> dict[str, dict[str, Any]]:
    """Return the settings of both datasets, which read lists. Write the lists unless the run continues with its own."""
    if not 0 < val_share < 1:
        raise ConfigError(f'--val {val_share}: expected a share between 0 and 1, such as 0.2')
    files = {split: Path(cfg.work_dir, f'{split}.txt').absolute() for split in SPLITS}
    # a run that saved nothing, say because of a damaged image, begins anew, perhaps with other images
    begun = cfg.get('resume') and (cfg.get('load_from') or last_good_checkpoint(cfg.work_dir)[0])
    if not (begun and all(file.is_file() for file in files.values())):
        for split, lines in _draw(root, val_share).items():
            files[split].parent.mkdir(parents=True, exist_ok=True)
            part = files[split].with_suffix(f'.{os.getpid()}')  # each of several processes writes the same list
            part.write_text(''.join(lines), encoding='utf-8')
            part.replace(files[split])
    lists = {split: file.read_text(encoding='utf-8').splitlines() for split, file in files.items()}
    counts = ' and '.join(f'{len(lists[split])} ({file})' for split, file in files.items())
    print_log(f'{root}: split into {counts}', 'current')
    classes = sorted({line.partition(os.sep)[0] for line in lists['train']})
    return {
        split: dict(data_root=str(root), ann_file=str(file), metainfo=dict(classes=classes))
        for split, file in files.items()
    }


def _draw(root: Path, val_share: float) -> dict[str, list[str]]:
    """Draw both lists of lines 'image label'. Classes with two or more images have at least one for validation."""
    folder = ImageFolder(data_root=str(root))
    images = defaultdict(list)
    for i in range(len(folder)):
        name = os.path.relpath(folder.get_data_info(i)['img_path'], root)
        images[name.partition(os.sep)[0]].append(name)
    lines: dict[str, list[str]] = {split: [] for split in SPLITS}
    generator = np.random.default_rng(0)  # the same split for every seed of a comparison
    for label, name in enumerate(sorted(images)):
        count = min(max(round(val_share * len(images[name])), 1), len(images[name]) - 1)
        for place, image in enumerate(generator.permutation(images[name])):
            lines['val' if place < count else 'train'].append(f'{image} {label}\n')
    return lines
