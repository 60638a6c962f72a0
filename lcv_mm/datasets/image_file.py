"""Find image files, check that they are there and intact, and read them."""

import logging
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine.logging import print_log
from PIL import Image, UnidentifiedImageError

from ..errors import DataError

# What both OpenCV, which reads the images, and Pillow, which finds damage, decode
SUFFIXES = (
    '.apng', '.avif', '.avifs', '.bmp', '.gif', '.j2c', '.j2k', '.jfif', '.jp2', '.jpc', '.jpe', '.jpeg', '.jpf',
    '.jpg', '.jpx', '.mpo', '.pbm', '.pgm', '.png', '.pnm', '.ppm', '.ras', '.tif', '.tiff', '.webp',
)  # fmt: skip
_JPEG_ENDS = b'\xff\xd9'


def images_in(folder: str | Path) -> list[str]:
    """The images in a folder and all folders in it, as paths relative to it, sorted.

    A file is an image if its name ends in one of `SUFFIXES`, capitals or not. Links are followed, but not to a folder
    that they are in. What is hidden and what is no image is passed over, and counted in one line of the log.
    """
    images: list[str] = []
    passed: Counter[str] = Counter()
    for top, folders, files in os.walk(os.path.abspath(folder), followlinks=True):
        around = {str(path.resolve()) for path in (Path(top), *Path(top).parents)}
        passed['hidden'] += sum(name.startswith('.') for name in folders + files)
        folders[:] = [name for name in folders if not name.startswith('.')]
        folders[:] = [name for name in folders if os.path.realpath(os.path.join(top, name)) not in around]
        for file in (os.path.join(top, name) for name in files if not name.startswith('.')):
            suffix = os.path.splitext(file)[1].lower()
            if suffix in SUFFIXES and os.path.isfile(file):
                images.append(os.path.relpath(file, folder))
            else:
                passed[suffix or 'no suffix'] += 1
    if passed := +passed:
        kinds = ', '.join(f'{count} {kind}' for kind, count in passed.most_common())
        print_log(f'{folder}: {len(images)} images; passed over: {kinds}', 'current', logging.WARNING)
    return sorted(images)


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """The images among files and folders.

    Args:
        paths (Iterable[str | Path]): Files, taken whatever their names are, and folders, of which those of
            `images_in` are taken.

    Returns:
        list[Path]: Each once, in the order given; those of a folder by their names.

    Raises:
        DataError: If one of the paths does not exist, or a folder holds no image.
    """
    images: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            names = images_in(path)
            if not names:
                raise DataError(f'{path}: holds no image; expected names that end in {", ".join(SUFFIXES)}')
            images += [path / name for name in names]
        elif path.exists():
            images.append(path)
        else:
            raise DataError(f'{path}: no such image or folder (current folder: {Path.cwd()})')
    return [*dict.fromkeys(images)]


def read_image(file: str | Path, load: Any = None) -> np.ndarray:
    """Read an image.

    Args:
        file (str | Path): The file.
        load (BaseTransform, optional): The step that reads it. Defaults to `LoadImageFromFile()`.

    Returns:
        np.ndarray: By default (H, W, 3), BGR, in [0, 255].

    Raises:
        DataError: If it is missing, damaged or not an image.
    """
    problem = image_error(file)
    if problem is None:
        try:
            return (load or LoadImageFromFile())({'img_path': str(file)})['img']
        except Exception as error:  # OpenCV's own, or of a format that it does not read
            problem = f'not read: {error}'
    raise DataError(f'{file}: {problem}')


def missing_files(folder: str | Path, names: Iterable[str]) -> list[str]:
    """The paths relative to a folder at which there is no file, in the order given; each folder is listed once."""
    there = {os.path.join(top, file) for top, _, files in os.walk(folder, followlinks=True) for file in files}
    return [name for name in names if os.path.join(folder, name) not in there]


def has_jpeg_end(file: str | Path) -> bool:
    """Whether a file ends as an intact JPEG does; it costs no decoding. Some intact images end otherwise."""
    with open(file, 'rb') as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - len(_JPEG_ENDS)))
        return opened.read() == _JPEG_ENDS


def image_error(file: str | Path) -> str | None:
    """What is wrong with an image file, found by decoding all of it with Pillow.

    OpenCV, which reads the images in training, fills what is missing of a JPEG with grey and says nothing. A hole
    inside a JPEG passes both: only a checksum could tell, and the archives have theirs.

    Returns:
        str | None: 'missing', 'empty', 'not an image of a known format' or 'damaged, ' and the decoder's words; None
        for an intact image.
    """
    limit = Image.MAX_IMAGE_PIXELS
    try:
        Image.MAX_IMAGE_PIXELS = None  # an image of 200 megapixels is no attack; OpenCV has a limit of its own
        with Image.open(file) as picture:
            picture.load()
    except FileNotFoundError:
        return 'missing'
    except UnidentifiedImageError:
        return 'not an image of a known format' if os.path.getsize(file) else 'empty'
    except Exception as error:  # damaged bytes may raise anything: SyntaxError, struct.error, ...
        return f'damaged, {type(error).__name__}: {error}'
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    return None
