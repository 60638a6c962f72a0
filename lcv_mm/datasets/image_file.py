"""Find, check and read image files."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
from mmengine.logging import print_log
from PIL import Image, UnidentifiedImageError

from ..errors import DataError

# Formats that both OpenCV, which reads the images, and Pillow, which detects damage, can decode
SUFFIXES = (
    '.apng', '.avif', '.avifs', '.bmp', '.gif', '.j2c', '.j2k', '.jfif', '.jp2', '.jpc', '.jpe', '.jpeg', '.jpf',
    '.jpg', '.jpx', '.mpo', '.pbm', '.pgm', '.png', '.pnm', '.ppm', '.ras', '.tif', '.tiff', '.webp',
)  # fmt: skip


def images_in(folder: str | Path) -> list[str]:
    """The images in a folder and its subfolders, as sorted paths relative to the folder.

    A file is an image if its name ends in one of `SUFFIXES`, in upper or lower case. Links are followed, but not to a
    folder that contains them. Hidden files and folders and other files are skipped, and counted in one line of the log.
    """
    images: list[str] = []
    skipped: Counter[str] = Counter()
    for top, folders, files in os.walk(folder, followlinks=True):
        skipped['hidden'] += sum(name.startswith('.') for name in folders + files)
        here = Path(top).resolve()
        around = {here, *here.parents, *(path.resolve() for path in Path(top).parents)}
        folders[:] = [name for name in folders if not name.startswith('.') and (here / name).resolve() not in around]
        for file in (os.path.join(top, name) for name in files if not name.startswith('.')):
            suffix = os.path.splitext(file)[1].lower()
            if suffix in SUFFIXES and os.path.isfile(file):
                images.append(os.path.relpath(file, folder))
            else:
                skipped[suffix or 'no suffix'] += 1
    if skipped := +skipped:
        kinds = ', '.join(f'{count} {kind}' for kind, count in skipped.most_common())
        print_log(f'{folder}: {len(images)} images; skipped: {kinds}', 'current', logging.WARNING)
    return sorted(images)


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """Collect files, whatever their names, and the `images_in` folders: each once, in the given order.

    Raises:
        DataError: If a path does not exist, or a folder contains no image.
    """
    images: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            names = images_in(path)
            if not names:
                raise DataError(f'{path}: contains no image; expected names that end in {", ".join(SUFFIXES)}')
            images += [path / name for name in names]
        elif path.exists():
            images.append(path)
        else:
            raise DataError(f'{path}: no such image or folder (current folder: {Path.cwd()})')
    return [*dict.fromkeys(images)]


def read_image(file: str | Path, pipeline: Callable[[dict], dict]) -> dict:
    """Run a test pipeline on an image file.

    Raises:
        DataError: If the file is missing, damaged or not an image, or the pipeline fails on it.
    """
    problem = image_error(file)
    if problem is None:
        try:
            return pipeline({'img_path': str(file)})
        except Exception as error:  # OpenCV's own error, or an unsupported format
            problem = f'not read: {error}'
    raise DataError(f'{file}: {problem}')


def may_be_cut(file: str | Path) -> bool:
    """Whether a file begins like a JPEG but does not end like one. Some intact images do so, too."""
    with open(file, 'rb') as opened:
        begins = opened.read(2) == b'\xff\xd8'
        opened.seek(max(0, opened.seek(0, os.SEEK_END) - 2))
        return begins and opened.read() != b'\xff\xd9'


def image_error(file: str | Path) -> str | None:
    """Check an image file by decoding all of it with Pillow.

    OpenCV, which reads the images in training, silently fills the missing part of a JPEG with grey. Neither detects
    corruption inside a JPEG; only a checksum can, such as that of the archive.

    Returns:
        str | None: 'missing', 'empty', 'not an image of a known format', 'a TIFF that OpenCV cannot read', or
        'damaged, ' and the decoder's message; None for an intact image.
    """
    try:
        with Image.open(file) as picture:
            picture.load()
            if picture.format == 'TIFF' and cv2.imread(str(file)) is None:  # compressed with zstd, for example
                return 'a TIFF that OpenCV cannot read'
    except FileNotFoundError:
        return 'missing'
    except UnidentifiedImageError:
        return 'not an image of a known format' if os.path.getsize(file) else 'empty'
    except Exception as error:  # damaged bytes may raise anything: SyntaxError, struct.error, ...
        return f'damaged, {type(error).__name__}: {error}'
    return None
