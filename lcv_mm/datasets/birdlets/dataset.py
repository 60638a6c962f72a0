"""Birdlets, the synthetic dataset: drawn on first use in CUB's layout, then read like CUB."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from filelock import FileLock
from mmengine import track_iter_progress
from mmpretrain.registry import DATASETS

from ...errors import ConfigError, DataError
from ..cub200 import CUB200
from .drawing import DRAWING_VERSION, Species, draw_birdlet
from .scene import Image

SETTINGS_FILE = 'birdlets.json'
JPEG_QUALITY = 92

# The order is part of the dataset: a class keeps its number for every `num_classes`. Append new species at the end.
SPECIES: tuple[Species, ...] = (
    Species('Plain_Birdlet'),
    Species('Crested_Birdlet', crown='crest'),
    Species('Capped_Birdlet', crown='cap'),
    Species('Ringed_Birdlet', eye='ring'),
    Species('Browed_Birdlet', eye='brow'),
    Species('Barred_Birdlet', wing_bars=1),
    Species('Double_barred_Birdlet', wing_bars=2),
    Species('Streaked_Birdlet', breast='streaked'),
    Species('Spotted_Birdlet', breast='spotted'),
    Species('Long_billed_Birdlet', beak='long'),
    Species('Long_tailed_Birdlet', tail='long'),
    Species('Fork_tailed_Birdlet', tail='forked'),
    Species('Crested_Barwing', crown='crest', wing_bars=2),
    Species('Capped_Spotbreast', crown='cap', breast='spotted'),
    Species('Ringed_Longbill', eye='ring', beak='long'),
    Species('Streaked_Longtail', breast='streaked', tail='long'),
    Species('Crested_Forktail', crown='crest', tail='forked'),
    Species('Capped_Barwing', crown='cap', wing_bars=2),
    Species('Spotted_Longbill', breast='spotted', beak='long'),
    Species('Browed_Forktail', eye='brow', tail='forked'),
)


def birdlet(class_index: int, image_index: int, seed: int = 0, image_size: int = 160) -> Image:
    """Draw picture number `image_index` of a class, independently of all other pictures.

    Both indices start at 0; `class_index` refers to `SPECIES`. Returns (image_size, image_size, 3), uint8, BGR.
    """
    rng = np.random.default_rng(np.random.SeedSequence((seed, class_index, image_index)))
    return draw_birdlet(SPECIES[class_index], rng, image_size)


@dataclass(frozen=True)
class BirdletsSettings:
    """The settings that determine the pictures, saved with them as `birdlets.json`."""

    num_classes: int = 20  # number of species, counted from the first, in [1, 20]; otherwise ConfigError
    train_per_class: int = 40  # training images per class
    test_per_class: int = 20  # test images per class
    image_size: int = 160  # width and height in pixels; below 32, the traits are not visible
    seed: int = 0  # seed of all drawing
    drawing_version: int = DRAWING_VERSION  # version of the drawing code

    def __post_init__(self) -> None:
        if not 1 <= self.num_classes <= len(SPECIES):
            raise ConfigError(f'num_classes={self.num_classes}, but Birdlets has {len(SPECIES)} species')

    @property
    def folders(self) -> list[str]:
        """The class folders with CUB's naming, numbered from 1: `001.Plain_Birdlet`, `002.Crested_Birdlet`, ..."""
        return [f'{number:03d}.{species.name}' for number, species in enumerate(SPECIES[: self.num_classes], 1)]

    def as_json(self) -> str:
        """The contents of `birdlets.json`."""
        return json.dumps(asdict(self), indent=2) + '\n'

    def images(self, folder: str) -> list[str]:
        """The images of a class as listed in `images.txt`: `001.Plain_Birdlet/Plain_Birdlet_0001.jpg`, ..."""
        species = folder.partition('.')[2]
        count = self.test_per_class + self.train_per_class
        return [f'{folder}/{species}_{number:04d}.jpg' for number in range(1, count + 1)]


def _write_dataset(root: Path, settings: BirdletsSettings, final: Path) -> None:
    """Draw all images into the empty folder `root`, to be renamed to `final`, with CUB's lists and the settings."""
    print(f'Drawing Birdlets into {final} (once):', flush=True)
    for class_index, folder in track_iter_progress(list(enumerate(settings.folders)), file=sys.stdout):
        (root / 'images' / folder).mkdir(parents=True)
        for image_index, name in enumerate(settings.images(folder)):
            picture = birdlet(class_index, image_index, settings.seed, settings.image_size)
            _, jpeg = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            (root / 'images' / name).write_bytes(jpeg.tobytes())
    names = [settings.images(folder) for folder in settings.folders]
    # The test images come first in each class, so they do not depend on train_per_class.
    splits = ['0'] * settings.test_per_class + ['1'] * settings.train_per_class
    lists = {
        'images.txt': [name for in_class in names for name in in_class],
        'image_class_labels.txt': [str(label) for label, in_class in enumerate(names, 1) for _ in in_class],
        'train_test_split.txt': splits * settings.num_classes,
        'classes.txt': settings.folders,
    }
    for file, values in lists.items():
        (root / file).write_text(''.join(f'{number} {value}\n' for number, value in enumerate(values, 1)))
    (root / SETTINGS_FILE).write_text(settings.as_json())


def generate_birdlets(data_root: str | Path, settings: BirdletsSettings | None = None) -> Path:
    """Write a Birdlets folder unless it exists; safe if several processes on one machine start at once.

    The folder may begin with `~`. The returned path is absolute, with links resolved.

    Raises:
        DataError: If the folder contains something else. Its contents are not changed.
    """
    settings = settings or BirdletsSettings()
    root = Path(data_root).expanduser().resolve()
    make_folder(root, lambda folder: _write_dataset(folder, settings, root))
    file = root / SETTINGS_FILE
    if not file.is_file() or file.read_text() != settings.as_json():
        raise DataError(f'{root} does not hold the Birdlets of {settings}, see {file}; use another data_root')
    return root


@DATASETS.register_module()
class Birdlets(CUB200):
    """Synthetic birds that differ in one or two parts: 20 classes, 800 training and 400 test images by default.

    Pose, size, plumage colour, light, backdrop and occluding twigs vary at random, independently of the class.
    The images are drawn when the annotations are first loaded, which takes a few seconds, and are then read from disk.

    Args:
        data_root (str): Folder of the images, which is created if needed; may begin with `~`. Defaults to
            'data/birdlets'.
        split (str): 'train' or 'test'. Defaults to 'train'.
        num_classes (int): Number of species, counted from the first, 1 to 20. Defaults to 20.
        train_per_class (int): Training images per class. Defaults to 40.
        test_per_class (int): Test images per class. Defaults to 20.
        image_size (int): Side of an image in pixels. Defaults to 160.
        seed (int): Seed of the drawing. Defaults to 0.
        **kwargs: Of MMPretrain's `CUB`.

    Raises:
        ConfigError: If `num_classes` is not in 1 to 20.
        DataError: If `data_root` contains something else, or images are missing.

    Examples:
        >>> Birdlets(num_classes=2, lazy_init=True).CLASSES  # drawn when it is first read
        ('Plain_Birdlet', 'Crested_Birdlet')
    """

    SOURCE = 'The images are drawn on first use.'
    REMEDY = 'Delete {root} to have it drawn again, or use another data_root'

    def __init__(
        self,
        data_root: str = 'data/birdlets',
        split: str = 'train',
        num_classes: int = 20,
        train_per_class: int = 40,
        test_per_class: int = 20,
        image_size: int = 160,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        self.settings = BirdletsSettings(num_classes, train_per_class, test_per_class, image_size, seed)
        if kwargs.get('classes') is None:
            names = tuple(species.name for species in SPECIES[:num_classes])
            kwargs['metainfo'] = {'classes': names, **(kwargs.get('metainfo') or {})}
        super().__init__(data_root=data_root, split=split, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Draw the images unless they exist, then read them like CUB."""
        generate_birdlets(self.data_root, self.settings)
        return super().load_data_list()


def is_there(folder: Path) -> bool:
    """Whether a path exists and is not just an empty folder."""
    return folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))


def make_folder(folder: Path, fill: Callable[[Path], None]) -> bool:
    """Make a folder unless it exists. It is filled under a hidden name next to the target and renamed when complete.

    `fill` writes the contents into the new folder that it receives. Parent folders are created. The lock file next to
    the folder may be deleted while nothing is being made. Returns False if the folder existed or another process made
    it.
    """
    folder = folder.resolve()  # it may be a link
    if is_there(folder):
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f'.{folder.name}.lock'):
        if is_there(folder):
            return False
        partial = folder.parent / f'.{folder.name}.partial'
        shutil.rmtree(partial, ignore_errors=True)  # left over from a killed process
        partial.mkdir()
        try:
            fill(partial)
            if folder.exists():
                folder.rmdir()  # it is empty
            os.rename(partial, folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return True
