"""image_file: what is missing or damaged is found, and nothing is said of intact files of odd kinds."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from lcv_mm.datasets.image_file import image_error, may_be_cut


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
    'bytes after the end': JPEG + b'\0' * 300 + b'trailer',
    'bytes before the end': JPEG[:-2] + b'\x12\x34\x56\x78' * 10 + JPEG[-2:],  # as some encoders leave them
    'a PNG named as a JPEG': encoded('RGBA', 'PNG'),
}
DAMAGED = {'a half': JPEG[: len(JPEG) // 2], 'a half of a PNG': INTACT['a PNG named as a JPEG'][:20000]}


@pytest.mark.parametrize('kind', [*INTACT, *DAMAGED])
def test_a_damaged_file_is_called_so_and_an_intact_one_of_an_odd_kind_is_not(tmp_path, kind):
    (tmp_path / 'a.jpg').write_bytes((INTACT | DAMAGED)[kind])
    assert (image_error(tmp_path / 'a.jpg') or '').startswith('damaged, ') == (kind in DAMAGED)


def test_a_tiff_that_only_pillow_reads_is_a_fault(tmp_path: Path):
    for name, image in (('read.tif', picture()), ('unread.tif', picture().convert('F'))):  # OpenCV: 8 and 16 bits
        image.save(tmp_path / name)
    assert image_error(tmp_path / 'read.tif') is None
    assert image_error(tmp_path / 'unread.tif') == 'a TIFF that OpenCV cannot read'


@pytest.mark.parametrize(('data', 'cut'), [(JPEG, False), (JPEG[:-1], True), (JPEG[:2], True), (b'', False)])
def test_a_jpeg_without_an_end_is_seen_without_decoding(tmp_path: Path, data, cut):
    (tmp_path / 'a.jpg').write_bytes(data)
    assert may_be_cut(tmp_path / 'a.jpg') is cut
