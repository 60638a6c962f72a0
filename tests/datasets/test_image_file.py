"""image_file: what is missing or damaged is found, and nothing is said of intact files of odd kinds."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from lcv_mm.datasets.image_file import has_jpeg_end, image_error


def picture(width: int = 201, height: int = 133) -> Image.Image:
    """A smooth picture with some grain, as a photograph has, of odd width and height."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(256, size=(9, 13, 3)).astype(np.uint8)
    grain = rng.normal(0, 6, (height, width, 3))
    return Image.fromarray(np.clip(cv2.resize(coarse, (width, height)) + grain, 0, 255).astype(np.uint8))


def encoded(mode: str = 'RGB', kind: str = 'JPEG', **options: object) -> bytes:
    stream = io.BytesIO()
    picture().convert(mode).save(stream, kind, **options)
    return stream.getvalue()


JPEG = encoded()
INTACT = {
    'plain': JPEG,
    'CMYK with the marker of Adobe': encoded('CMYK'),
    'progressive': encoded(progressive=True),
    'Exif, a profile of colours and a block of Photoshop': encoded(
        exif=b'Exif\0\0II*\0\x08\0\0\0\0\0', icc_profile=b'profile' * 40, extra=b'\xff\xed\0\x14Photoshop 3.0\x008BIM'
    ),
    'bytes after the end': JPEG + b'\0' * 300 + b'trailer',
    'bytes before the end': JPEG[:-2] + b'\x12\x34\x56\x78' * 10 + JPEG[-2:],  # as some encoders leave them
    'a PNG named as a JPEG': encoded('RGBA', 'PNG'),
}
DAMAGED = {'a half': JPEG[: len(JPEG) // 2], 'a half of a PNG': INTACT['a PNG named as a JPEG'][:20000]}


@pytest.mark.parametrize('kind', INTACT)
def test_an_intact_file_has_no_fault(tmp_path, kind):
    (tmp_path / 'a.jpg').write_bytes(INTACT[kind])
    assert image_error(tmp_path / 'a.jpg') is None


@pytest.mark.parametrize('kind', DAMAGED)
def test_a_damaged_file_is_called_so(tmp_path, kind):
    (tmp_path / 'a.jpg').write_bytes(DAMAGED[kind])
    assert image_error(tmp_path / 'a.jpg').startswith('damaged, ')


@pytest.mark.parametrize(('data', 'ends'), [(JPEG, True), (JPEG[:-1], False), (b'', False), (b'\xd9', False)])
def test_the_end_of_a_jpeg_is_seen_without_decoding(tmp_path: Path, data, ends):
    (tmp_path / 'a.jpg').write_bytes(data)
    assert has_jpeg_end(tmp_path / 'a.jpg') is ends
