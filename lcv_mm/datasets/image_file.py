"""Whether the file of an image is whole."""

import os
from pathlib import Path

from PIL import Image, UnidentifiedImageError

_JPEG_ENDS = b'\xff\xd9'


def image_fault(file: str | Path) -> str | None:
    """What is wrong with an image file, found by decoding all of it.

    Args:
        file (str | Path): The file.

    Returns:
        str | None: 'missing', 'an image of no known format', or the decoder's words; None for a whole image.
    """
    try:
        with Image.open(file) as picture:
            picture.load()
    except FileNotFoundError:
        return 'missing'
    except UnidentifiedImageError:
        return 'empty' if not os.path.getsize(file) else 'an image of no known format'
    except Exception as error:  # damaged bytes may raise anything: SyntaxError, struct.error, ...
        return f'damaged, {type(error).__name__}: {error}'
    return None


def has_jpeg_end(file: str | Path) -> bool:
    """Whether a file ends as a whole JPEG does; it costs no decoding. Some whole images end otherwise."""
    with open(file, 'rb') as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - len(_JPEG_ENDS)))
        return opened.read() == _JPEG_ENDS
