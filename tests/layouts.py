"""Small copies of the datasets in the layout of their archives: `from layouts import make_cub`.

`root` is the folder to make and what is returned, a dataset's `data_root`.
"""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmpretrain.datasets.categories import CUB_CATEGORIES
from PIL import Image
from scipy.io import savemat

from lcv_mm.datasets.stanford_dogs import BREEDS
from lcv_mm.errors import DataError

CUB_STRAY = ('002.Laysan_Albatross/Laysan_Albatross_0002_5_rgb.jpg', '200.Common_Yellowthroat/stray_rgb.jpg')


def make_cub(root: Path, train_per_class: int = 2, test_per_class: int = 1) -> Path:
    """CUB_200_2011: all 200 classes, the test images of each first."""
    lists: dict[str, list[str]] = {name: [] for name in ('images', 'image_class_labels', 'train_test_split')}
    folders = [f'{label:03d}.{name}' for label, name in enumerate(CUB_CATEGORIES, 1)]
    for label, folder in enumerate(folders, 1):
        (root / 'images' / folder).mkdir(parents=True)
        for place in range(1, test_per_class + train_per_class + 1):
            number = len(lists['images']) + 1
            name = f'{folder}/{folder[4:]}_{place:04d}_{number}.jpg'
            (root / 'images' / name).write_bytes(_jpeg(label))
            lists['images'].append(name)
            lists['image_class_labels'].append(str(label))
            lists['train_test_split'].append(str(int(place > test_per_class)))
    for name in CUB_STRAY:
        (root / 'images' / name).write_bytes(_jpeg(1))
    boxes = [f'{number}.0 2.0 30.0 20.0' for number in range(len(lists['images']))]  # x, y, width, height
    for name, values in {**lists, 'classes': folders, 'bounding_boxes': boxes}.items():
        (root / f'{name}.txt').write_text(''.join(f'{number} {value}\n' for number, value in enumerate(values, 1)))
    return root


def make_stanford_dogs(root: Path, train_per_class: int = 2, test_per_class: int = 1) -> Path:
    """Stanford Dogs: all 120 breeds, `images.tar` and `lists.tar` unpacked into one folder."""
    lists: dict[str, list[tuple[str, int]]] = {'train': [], 'test': []}
    for label, breed in enumerate(BREEDS, 1):
        folder = f'n{2085620 + label:08d}-{breed}'
        (root / 'Images' / folder).mkdir(parents=True)
        for place in range(train_per_class + test_per_class):
            name = f'{folder}/{folder[:9]}_{place}.jpg'
            (root / 'Images' / name).write_bytes(_jpeg(label))
            lists['train' if place < train_per_class else 'test'].append((name, label))
    lists['file'] = sorted(lists['train'] + lists['test'])
    for name, entries in lists.items():
        images, labels = zip(*entries, strict=True)
        columns = dict(file_list=np.array(images, dtype=object)[:, None], labels=np.array(labels, np.uint8)[:, None])
        savemat(root / f'{name}_list.mat', columns, do_compression=True)  # N x 1, as in the official lists
    return root


def make_oxford_flower17(root: Path) -> Path:
    """Oxford-Flower-17: all 1360 images, those of a class the same, and three folds of 40/20/20 images a class."""
    (root / 'jpg').mkdir(parents=True)
    names = [f'image_{number:04d}.jpg' for number in range(1, 1361)]
    images = [_jpeg(label, 16, 16) for label in range(17)]
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


def copy_to_damage(root: Path, target: Path) -> Path:
    """A copy of a dataset that a test may damage; its JPEGs are links, to be removed but not written into."""

    def copy(source: str, file: str) -> None:
        (os.link if source.endswith('.jpg') else shutil.copyfile)(source, file)

    return Path(shutil.copytree(root, target, copy_function=copy))


def draw_noise(file: Path, width: int = 90, height: int = 80) -> None:
    """A picture in a folder that need not be there yet, another for each length of the path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(str(file))).integers(256, size=(height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file)  # OpenCV fails silently where a path is not ASCII


def data_error(dataset: type, root: Path | str) -> str:
    """The message of the DataError that loading ends with."""
    with pytest.raises(DataError) as caught:
        dataset(data_root=str(root), split='train')
    return str(caught.value)


def _jpeg(label: int, width: int = 48, height: int = 40) -> bytes:
    """A plain picture in a colour of its class."""
    colour = np.array([(label * step + 40) % 256 for step in (37, 91, 151)], np.uint8)
    return cv2.imencode('.jpg', np.tile(colour, (height, width, 1)))[1].tobytes()
