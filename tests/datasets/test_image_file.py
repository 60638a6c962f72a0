"""image_file: what is missing or damaged is found, and nothing is said of intact files of odd kinds."""

import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from lcv_mm.datasets.image_file import has_jpeg_end, image_fault


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
EXTRA = b'\x12\x34\x56\x78' * 10  # before the end marker, as some encoders leave it
INTACT = {
    'plain': JPEG,
    'with a comment': encoded(comment=b'LEAD Technologies Inc.'),
    'greyscale': encoded('L'),
    'CMYK with the marker of Adobe': encoded('CMYK'),
    'progressive': encoded(progressive=True),
    'optimised, without subsampling': encoded(optimize=True, subsampling=0),
    'restart markers': encoded(restart_marker_blocks=4),
    'Exif, a profile of colours and a block of Photoshop': encoded(
        exif=b'Exif\0\0II*\0\x08\0\0\0\0\0', icc_profile=b'profile' * 40, extra=b'\xff\xed\0\x14Photoshop 3.0\x008BIM'
    ),
    'bytes after the end': JPEG + b'\0' * 300 + b'trailer',
    'bytes before the end': JPEG[:-2] + EXTRA + JPEG[-2:],
    'fill bytes before the end': JPEG[:-2] + b'\xff\xff' + JPEG[-2:],
    'a PNG named as a JPEG': encoded('RGBA', 'PNG'),
    'a GIF': encoded('P', 'GIF'),
}


def hole(data: bytes, begin: float, size: int) -> bytes:
    place = int(len(data) * begin)
    return data[:place] + bytes(size) + data[place + size :]


DAMAGED = {
    'a hole': hole(JPEG, 0.5, 1000),
    'a hole near the end': hole(JPEG, 0.8, 512),
    'a hole in a greyscale image': hole(INTACT['greyscale'], 0.5, 1000),
    'a hole in a progressive image': hole(INTACT['progressive'], 0.5, 1000),
    'a hole in an image with restart markers': hole(INTACT['restart markers'], 0.5, 1000),
    'zeros to the end': hole(JPEG, 0.4, len(JPEG))[: len(JPEG)],
    'a third, closed': JPEG[: len(JPEG) // 3] + b'\xff\xd9',
    'a third, closed, with a trailer': JPEG[: len(JPEG) // 3] + b'\xff\xd9trailer',
    'a half': JPEG[: len(JPEG) // 2],
    'the head alone': JPEG[:300],
    'a half of a PNG': INTACT['a PNG named as a JPEG'][:20000],
}


@pytest.mark.parametrize('kind', INTACT)
def test_an_intact_file_has_no_fault(tmp_path, kind, capfd):
    (tmp_path / 'a.jpg').write_bytes(INTACT[kind])
    assert image_fault(tmp_path / 'a.jpg') is None
    assert 'JPEG' not in capfd.readouterr().err


@pytest.mark.parametrize('kind', DAMAGED)
def test_a_damaged_file_is_called_so(tmp_path, kind, capfd):
    (tmp_path / 'a.jpg').write_bytes(DAMAGED[kind])
    assert image_fault(tmp_path / 'a.jpg').startswith('damaged, ')
    assert 'JPEG' not in capfd.readouterr().err


def test_what_is_no_image_is_called_so(tmp_path):
    (tmp_path / 'empty.jpg').touch()
    (tmp_path / 'page.jpg').write_text('<html>404 Not Found</html>')
    faults = [image_fault(tmp_path / name) for name in ('absent.jpg', 'empty.jpg', 'page.jpg')]
    assert faults == ['missing', 'empty', 'not an image of a known format']


def test_what_others_write_to_stderr_meanwhile_arrives(tmp_path, capfd, monkeypatch):
    decode = cv2.imdecode

    def write_and_decode(*args):
        os.write(2, b'of another thread\n')
        return decode(*args)

    monkeypatch.setattr(cv2, 'imdecode', write_and_decode)
    (tmp_path / 'a.jpg').write_bytes(DAMAGED['a hole'])
    assert (
        image_fault(tmp_path / 'a.jpg')
        == 'damaged, the decoder warns: Corrupt JPEG data: premature end of data segment'
    )
    assert capfd.readouterr().err == 'of another thread\n'


@pytest.mark.parametrize(('data', 'ends'), [(JPEG, True), (JPEG[:-1], False), (b'', False), (b'\xd9', False)])
def test_the_end_of_a_jpeg_is_seen_without_decoding(tmp_path: Path, data, ends):
    (tmp_path / 'a.jpg').write_bytes(data)
    assert has_jpeg_end(tmp_path / 'a.jpg') is ends
