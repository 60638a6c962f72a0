"""Small copies of the datasets in the layout of their archives, with their traps: `from layouts import make_cub`.

`root` is the folder to make and what is returned, a dataset's `data_root`; images are `width` x `height` pixels.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmpretrain.datasets.categories import CUB_CATEGORIES
from PIL import Image
from scipy.io import savemat

from lcv_mm.datasets.stanford_dogs import BREEDS
from lcv_mm.errors import DataError

CUB_GREYSCALE = '001.Black_footed_Albatross/Black_footed_Albatross_0002_2.jpg'  # one of the training images
CUB_STRAY = ('002.Laysan_Albatross/Laysan_Albatross_0002_5_rgb.jpg', '200.Common_Yellowthroat/stray_rgb.jpg')
DOGS_WITH_4_CHANNELS = 'n02105855-Shetland_sheepdog/n02105855_2933.jpg'  # one of the training images

# Numbered like ImageNet's synsets, which rise: those of the first folder and of that image are the archive's.
_STEP = (2105855 - 2085620) / BREEDS.index('Shetland_sheepdog')
DOGS_FOLDERS = [f'n{2085620 + round(place * _STEP):08d}-{breed}' for place, breed in enumerate(BREEDS)]


def make_cub(root: Path, train_per_class: int = 2, test_per_class: int = 1, width: int = 48, height: int = 40) -> Path:
    """CUB_200_2011: all 200 classes, the test images of each first."""
    lists: dict[str, list[str]] = {name: [] for name in ('images', 'image_class_labels', 'train_test_split')}
    folders = [f'{label:03d}.{name}' for label, name in enumerate(CUB_CATEGORIES, 1)]
    for label, folder in enumerate(folders, 1):
        (root / 'images' / folder).mkdir(parents=True)
        for place in range(1, test_per_class + train_per_class + 1):
            number = len(lists['images']) + 1
            name = f'{folder}/{folder[4:]}_{place:04d}_{number}.jpg'
            (root / 'images' / name).write_bytes(_jpeg(label, width, height, name == CUB_GREYSCALE))
            lists['images'].append(name)
            lists['image_class_labels'].append(str(label))
            lists['train_test_split'].append(str(int(place > test_per_class)))
    for name in CUB_STRAY:
        (root / 'images' / name).write_bytes(_jpeg(1, width, height))
    boxes = [f'0.0 0.0 {width}.0 {height}.0'] * len(lists['images'])
    for name, values in {**lists, 'classes': folders, 'bounding_boxes': boxes}.items():
        (root / f'{name}.txt').write_text(''.join(f'{number} {value}\n' for number, value in enumerate(values, 1)))
    return root


def make_stanford_dogs(
    root: Path, train_per_class: int = 2, test_per_class: int = 1, width: int = 48, height: int = 40
) -> Path:
    """Stanford Dogs: all 120 breeds, `images.tar` and `lists.tar` unpacked into one folder."""
    lists: dict[str, list[tuple[str, int]]] = {'train': [], 'test': []}
    for label, folder in enumerate(DOGS_FOLDERS, 1):
        (root / 'Images' / folder).mkdir(parents=True)
        for place in range(train_per_class + test_per_class):
            # The first number is that of the PNG with 4 channels.
            name = f'{folder}/{folder[:9]}_{2933 + place}.jpg'
            image = _png_with_4_channels(width, height) if name == DOGS_WITH_4_CHANNELS else _jpeg(label, width, height)
            (root / 'Images' / name).write_bytes(image)
            lists['train' if place < train_per_class else 'test'].append((name, label))
    lists['file'] = sorted(lists['train'] + lists['test'], key=lambda entry: (entry[1], entry[0]))
    for name, entries in lists.items():
        write_dogs_list(root / f'{name}_list.mat', *zip(*entries, strict=True))
    return root


def make_oxford_flower17(root: Path, width: int = 16, height: int = 16) -> Path:
    """Oxford-Flower-17: all 1360 images, those of a class the same, and three folds of 40/20/20 images a class."""
    (root / 'jpg').mkdir(parents=True)
    names = [f'image_{number:04d}.jpg' for number in range(1, 1361)]
    images = [_jpeg(label, width, height) for label in range(17)]
    for index, name in enumerate(names):
        (root / 'jpg' / name).write_bytes(images[index // 80])
    (root / 'jpg' / 'files.txt').write_text('\n'.join(names) + '\n')
    generator = np.random.default_rng(0)
    splits = {}
    for fold in (1, 2, 3):
        numbers = 1 + np.arange(0, 1360, 80)[:, None] + generator.permuted(np.tile(np.arange(80), (17, 1)), axis=1)
        for name, columns in (('trn', slice(40)), ('val', slice(40, 60)), ('tst', slice(60, 80))):
            splits[f'{name}{fold}'] = numbers[:, columns].reshape(1, -1).astype(np.uint16)  # as in the official file
    savemat(root / 'datasplits.mat', splits)
    return root


def write_dogs_list(file: Path, names: Sequence[str], labels: Sequence[float]) -> None:
    """Write one of Stanford Dogs' lists: `file_list` and `annotation_list` as N x 1 cells, `labels` as N x 1 bytes."""
    cells = np.array(names, dtype=object)[:, None]
    annotations = np.array([name.removesuffix('.jpg') for name in names], dtype=object)[:, None]
    column = np.array(labels)[:, None]
    if column.dtype.kind == 'i':
        column = column.astype(np.uint8)  # as in the official lists
    savemat(file, {'file_list': cells, 'annotation_list': annotations, 'labels': column}, do_compression=True)


def copy_to_damage(root: Path, target: Path) -> Path:
    """A copy of a dataset that a test may damage; its JPEGs are links, to be removed but not written into."""

    def copy(source: str, file: str) -> None:
        (os.link if source.endswith('.jpg') else shutil.copyfile)(source, file)

    return Path(shutil.copytree(root, target, copy_function=copy))


def edit(file: Path, old: str, new: str) -> None:
    """Replace what stands once in a file."""
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def draw_noise(file: Path, width: int = 90, height: int = 80) -> None:
    """A picture in a folder that need not be there yet, another for each length of the path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(str(file))).integers(256, size=(height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file)  # OpenCV fails silently where a path is not ASCII


def data_error(dataset: type, root: Path | str, split: str = 'train', **settings: object) -> str:
    """The message of the DataError that loading ends with."""
    with pytest.raises(DataError) as caught:
        dataset(data_root=str(root), split=split, **settings)
    return str(caught.value)


def _picture(label: int, width: int, height: int, channels: int) -> np.ndarray:
    """A plain picture in a colour of its class, (H, W, C)."""
    colour = [(label * step + 40) % 256 for step in (37, 91, 151, 0)[:channels]]
    return np.tile(np.array(colour, np.uint8), (height, width, 1))


def _jpeg(label: int, width: int, height: int, greyscale: bool = False) -> bytes:
    picture = _picture(label, width, height, 1 if greyscale else 3)
    return cv2.imencode('.jpg', picture)[1].tobytes()


def _png_with_4_channels(width: int, height: int) -> bytes:
    return cv2.imencode('.png', _picture(0, width, height, 4))[1].tobytes()
