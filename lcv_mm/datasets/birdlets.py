"""Birdlets, the embedded dataset: drawn on first use in CUB's layout, then read as CUB is."""

import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
from filelock import FileLock
from mmengine import track_iter_progress
from mmpretrain.registry import DATASETS

from lcv_mm.errors import ConfigError, DataError

from .birdlets_drawing import DRAWING_VERSION, MIN_IMAGE_SIZE, birdlet
from .birdlets_species import folder_names
from .cub200 import CUB200

SETTINGS_FILE = 'birdlets.json'
JPEG_QUALITY = 92


@dataclass(frozen=True)
class BirdletsSettings:
    """What decides the pictures in a folder; kept with them in `birdlets.json`.

    Args:
        num_classes (int): The first so many species, in [1, 20].
        train_per_class (int): Training images a class, at least 1.
        test_per_class (int): Test images a class, at least 1.
        image_size (int): Width and height in pixels, at least 32.
        seed (int): Seed of all drawing, not negative.
        drawing_version (int): Version of the drawing code.

    Raises:
        ConfigError: If a number is out of its range.
    """

    num_classes: int = 20
    train_per_class: int = 40
    test_per_class: int = 20
    image_size: int = 160
    seed: int = 0
    drawing_version: int = DRAWING_VERSION

    def __post_init__(self) -> None:
        folder_names(self.num_classes)
        for name, least in (('train_per_class', 1), ('test_per_class', 1), ('image_size', MIN_IMAGE_SIZE), ('seed', 0)):
            if getattr(self, name) < least:
                raise ConfigError(f'{name}={getattr(self, name)}, but Birdlets needs at least {least}')


def _image_names(settings: BirdletsSettings, folder: str) -> list[str]:
    """The images of a class folder, `001.Plain_Birdlet/Plain_Birdlet_0001.jpg` ..., as `images.txt` has them."""
    species = folder.partition('.')[2]
    count = settings.test_per_class + settings.train_per_class
    return [f'{folder}/{species}_{number:04d}.jpg' for number in range(1, count + 1)]


def _draw_class(root: Path, settings: BirdletsSettings, class_index: int, folder: str) -> None:
    """Draw the images of one class into `root/images`."""
    (root / 'images' / folder).mkdir(parents=True)
    for image_index, name in enumerate(_image_names(settings, folder)):
        picture = birdlet(class_index, image_index, settings.seed, settings.image_size)
        _, jpeg = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        (root / 'images' / name).write_bytes(jpeg.tobytes())


def _write_list(path: Path, values: list[str]) -> None:
    """Write one of CUB's lists: `<number> <value>`, numbers from 1."""
    path.write_text(''.join(f'{number} {value}\n' for number, value in enumerate(values, 1)))


def _write_dataset(root: Path, settings: BirdletsSettings) -> None:
    """Draw all images into the empty folder `root` and write CUB's lists; the settings come last."""
    folders = folder_names(settings.num_classes)
    for class_index, folder in track_iter_progress(list(enumerate(folders)), file=sys.stdout):
        _draw_class(root, settings, class_index, folder)
    names = [_image_names(settings, folder) for folder in folders]
    # The test images come first in each class, so that they stay the same when train_per_class changes.
    splits = ['0'] * settings.test_per_class + ['1'] * settings.train_per_class
    _write_list(root / 'images.txt', [name for in_class in names for name in in_class])
    _write_list(root / 'image_class_labels.txt', [str(n) for n, in_class in enumerate(names, 1) for _ in in_class])
    _write_list(root / 'train_test_split.txt', splits * settings.num_classes)
    _write_list(root / 'classes.txt', list(folders))
    (root / SETTINGS_FILE).write_text(json.dumps(asdict(settings), indent=2) + '\n')


def _already_there(root: Path, settings: BirdletsSettings) -> bool:
    """Whether `root` holds these Birdlets; False if there is nothing yet.

    Raises:
        DataError: If it holds other Birdlets or something else.
    """
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    try:
        held = json.loads((root / SETTINGS_FILE).read_text())
    except (OSError, ValueError):
        held = None
    wanted = asdict(settings)
    if not isinstance(held, dict) or held.keys() != wanted.keys():
        raise DataError(
            f'{root} is there, but is no Birdlets folder (it has no {SETTINGS_FILE} that can be read); '
            f'it is left as it is. Give Birdlets a data_root of its own, a folder that is empty or not there yet'
        )
    if held != wanted:
        differing = [key for key in wanted if held[key] != wanted[key]]
        raise DataError(
            f'{root} holds Birdlets with {", ".join(f"{key}={held[key]}" for key in differing)}, but '
            f'{", ".join(f"{key}={wanted[key]}" for key in differing)} was asked for. '
            f'Use another data_root, or delete the folder and it is drawn anew'
        )
    return True


def generate_birdlets(data_root: str | Path, settings: BirdletsSettings | None = None) -> Path:
    """Write a Birdlets folder unless it is there; safe when several processes of one machine start at once.

    The pictures are drawn into a hidden folder next to `data_root`, which is renamed when it is whole. The lock file
    next to it may be deleted at any time when nothing is being drawn.

    Args:
        data_root (str | Path): The folder to make; may begin with `~`.
        settings (BirdletsSettings | None): What to draw; None for the default dataset.

    Returns:
        Path: The folder, absolute, links resolved.

    Raises:
        DataError: If the folder is there and holds something else; it is left as it is.
    """
    settings = settings or BirdletsSettings()
    root = Path(data_root).expanduser().resolve()
    if _already_there(root, settings):
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(root.parent / f'.{root.name}.lock'):
        if _already_there(root, settings):  # another process was first
            return root
        partial = root.parent / f'.{root.name}.partial'
        shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
        partial.mkdir()
        print(f'Drawing Birdlets into {root} (once):', flush=True)
        _write_dataset(partial, settings)
        if root.exists():
            root.rmdir()  # empty, or _already_there had raised
        os.rename(partial, root)
    return root


@DATASETS.register_module()
class Birdlets(CUB200):
    """Drawn birds that differ in one or two parts: 20 classes, 800 training and 400 test images by default.

    Pose, size, plumage colour, light, backdrop and things in front vary at random and say nothing about the class.
    The images are drawn when the annotations are first loaded (some seconds), and read from then on.

    Args:
        data_root (str): Where the images are, or will be written; may begin with `~`.
        split (str): 'train' or 'test'.
        num_classes (int): The first so many species, in [1, 20].
        train_per_class (int): Training images a class, at least 1.
        test_per_class (int): Test images a class, at least 1.
        image_size (int): Width and height in pixels, at least 32.
        seed (int): Seed of all drawing, not negative.
        **kwargs: As MMPretrain's `CUB` has them.

    Raises:
        ConfigError: If a number is out of its range or `split` is neither.
        DataError: If `data_root` holds something else, or images were lost since they were drawn.
    """

    SOURCE = 'The images are drawn on first use.'
    REMEDY = 'Delete {root} and it is drawn anew, or use another data_root'

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
            names = tuple(folder.partition('.')[2] for folder in folder_names(num_classes))
            kwargs['metainfo'] = {'classes': names, **(kwargs.get('metainfo') or {})}
        super().__init__(data_root=data_root, split=split, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Draw the images if they are not there yet, then read them as CUB's.

        Returns:
            list[dict]: One `dict(img_path=..., gt_label=...)` an image, labels from 0.

        Raises:
            DataError: If `data_root` holds something else, or images were lost since they were drawn.
        """
        generate_birdlets(self.data_root, self.settings)
        return super().load_data_list()
