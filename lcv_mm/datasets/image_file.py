"""The one place that says whether an image file is there and intact."""

import os
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, UnidentifiedImageError

_JPEG_ENDS = b'\xff\xd9'


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


def image_fault(file: str | Path) -> str | None:
    """What is wrong with an image file, found by decoding all of it with Pillow.

    OpenCV, which reads the images in training, fills what is missing of a JPEG with grey and says nothing. A hole
    inside a JPEG passes both: only a checksum could tell, and the archives have theirs.

    Returns:
        str | None: 'missing', 'empty', 'not an image of a known format' or 'damaged, ' and the decoder's words; None
        for an intact image.
    """
    try:
        with Image.open(file) as picture:
            picture.load()
    except FileNotFoundError:
        return 'missing'
    except UnidentifiedImageError:
        return 'not an image of a known format' if os.path.getsize(file) else 'empty'
    except Exception as error:  # damaged bytes may raise anything: SyntaxError, struct.error, ...
        return f'damaged, {type(error).__name__}: {error}'
    return None
