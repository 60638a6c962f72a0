"""The one place that says whether an image file is there and intact."""

import os
import re
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

_JPEG_BEGINS, _JPEG_ENDS = b'\xff\xd8', b'\xff\xd9'
_LOST_BLOCK = bytes(256)  # a run of zeros that no JPEG's data holds unless a block of the file was lost
_stderr_is_ours = threading.Lock()  # two threads at once would not give it back


def missing_files(folder: str | Path, names: Iterable[str]) -> list[str]:
    """The names that are no entry below a folder; each folder is listed once, no file is touched.

    Args:
        folder (str | Path): Where the names begin.
        names (Iterable[str]): Paths relative to `folder`, such as `001.Name/Name_0001.jpg`.

    Returns:
        list[str]: The missing ones, in the order given.
    """
    entries: dict[str, set[str]] = {}
    missing = []
    for name in names:
        parent, base = os.path.split(name)
        if parent not in entries:
            try:
                with os.scandir(os.path.join(folder, parent)) as scan:
                    entries[parent] = {entry.name for entry in scan}
            except (FileNotFoundError, NotADirectoryError):
                entries[parent] = set()
        if base not in entries[parent]:
            missing.append(name)
    return missing


def has_jpeg_end(file: str | Path) -> bool:
    """Whether a file ends as an intact JPEG does; it costs no decoding. Some intact images end otherwise."""
    with open(file, 'rb') as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - len(_JPEG_ENDS)))
        return opened.read() == _JPEG_ENDS


def image_fault(file: str | Path) -> str | None:
    """What is wrong with an image file, found by decoding all of it.

    A JPEG is decoded by OpenCV, as in training, and its decoder's warnings count: where data are missing inside the
    file it fills the rest with something, and neither OpenCV nor Pillow raises an error. A hole of some bytes may give
    another valid JPEG; only a checksum could tell.

    Args:
        file (str | Path): The file.

    Returns:
        str | None: 'missing', 'empty', 'not an image of a known format' or 'damaged, ' and the decoder's words; None
        for an intact image.
    """
    try:
        data = Path(file).read_bytes()
        if data.startswith(_JPEG_BEGINS):
            decoded, warning = _decode_jpeg(data)
            if warning is not None:
                return f'damaged, the decoder warns: {warning}'
            if decoded and data.endswith(_JPEG_ENDS):
                return None
        with Image.open(file) as picture:
            picture.load()
    except FileNotFoundError:
        return 'missing'
    except UnidentifiedImageError:
        return 'empty' if not data else 'not an image of a known format'
    except Exception as error:  # damaged bytes may raise anything: SyntaxError, struct.error, ...
        return f'damaged, {type(error).__name__}: {error}'
    return None


def _decode_jpeg(data: bytes) -> tuple[bool, str | None]:
    """Whether OpenCV decodes a JPEG, and a warning that tells of damage.

    libjpeg writes its warnings to file descriptor 2, and none of OpenCV, Pillow and torchvision returns them. So the
    descriptor is a file of ours for the few milliseconds of one image; whatever else is written meanwhile is passed on.
    """
    with _stderr_is_ours, tempfile.TemporaryFile() as written:
        stderr = os.dup(2)
        os.dup2(written.fileno(), 2)
        try:
            decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is not None
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
        written.seek(0)
        lines = written.readlines()
    warnings = [line for line in lines if line.startswith(b'Corrupt JPEG data: ')]
    os.write(2, b''.join(line for line in lines if line not in warnings))
    # Some encoders leave bytes before a marker, which does no harm; after a lost block they are the rest of the data.
    harmless = b'bad ICC' if _LOST_BLOCK in data else b'bad ICC|extraneous bytes'
    return decoded, next((line.decode().strip() for line in warnings if not re.search(harmless, line)), None)
