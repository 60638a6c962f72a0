"""Small copies of the datasets in the layout of their archives, with their traps: `from layouts import make_cub`."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmpretrain.datasets.categories import CUB_CATEGORIES
from scipy.io import savemat

from lcv_mm.datasets.stanford_dogs import BREEDS
from lcv_mm.errors import DataError

CUB_GREYSCALE = '001.Black_footed_Albatross/Black_footed_Albatross_0002_2.jpg'  # one of the training images
CUB_STRAY = ('002.Laysan_Albatross/Laysan_Albatross_0002_5_rgb.jpg', '200.Common_Yellowthroat/stray_rgb.jpg')
DOGS_WITH_4_CHANNELS = 'n02105855-Shetland_sheepdog/n02105855_2933.jpg'  # one of the training images

# The numbers of ImageNet's synsets, in the order of BREEDS.
WNIDS = """
02085620 02085782 02085936 02086079 02086240 02086646 02086910 02087046 02087394 02088094 02088238 02088364 02088466
02088632 02089078 02089867 02089973 02090379 02090622 02090721 02091032 02091134 02091244 02091467 02091635 02091831
02092002 02092339 02093256 02093428 02093647 02093754 02093859 02093991 02094114 02094258 02094433 02095314 02095570
02095889 02096051 02096177 02096294 02096437 02096585 02097047 02097130 02097209 02097298 02097474 02097658 02098105
02098286 02098413 02099267 02099429 02099601 02099712 02099849 02100236 02100583 02100735 02100877 02101006 02101388
02101556 02102040 02102177 02102318 02102480 02102973 02104029 02104365 02105056 02105162 02105251 02105412 02105505
02105641 02105855 02106030 02106166 02106382 02106550 02106662 02107142 02107312 02107574 02107683 02107908 02108000
02108089 02108422 02108551 02108915 02109047 02109525 02109961 02110063 02110185 02110627 02110806 02110958 02111129
02111277 02111500 02111889 02112018 02112137 02112350 02112706 02113023 02113186 02113624 02113712 02113799 02113978
02115641 02115913 02116738
"""
DOGS_FOLDERS = [f'n{wnid}-{breed}' for wnid, breed in zip(WNIDS.split(), BREEDS, strict=True)]


def make_cub(root: Path, train_per_class: int = 2, test_per_class: int = 1, width: int = 48, height: int = 40) -> Path:
    """CUB_200_2011: all 200 classes, the test images of each first.

    Args:
        root (Path): The folder to make, the `data_root` of `CUB200`.
        train_per_class (int): Training images a class.
        test_per_class (int): Test images a class.
        width (int): Of an image, in pixels.
        height (int): Of an image, in pixels.

    Returns:
        Path: `root`.
    """
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
    """Stanford Dogs: all 120 breeds, `images.tar` and `lists.tar` unpacked into one folder.

    Args:
        root (Path): The folder to make, the `data_root` of `StanfordDogs`.
        train_per_class (int): Training images a class, at least 1.
        test_per_class (int): Test images a class.
        width (int): Of an image, in pixels.
        height (int): Of an image, in pixels.

    Returns:
        Path: `root`.
    """
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
    """Oxford-Flower-17: all 1360 images, those of a class the same, and three folds of 40/20/20 images a class.

    Args:
        root (Path): The folder to make, the `data_root` of `OxfordFlower17`.
        width (int): Of an image, in pixels.
        height (int): Of an image, in pixels.

    Returns:
        Path: `root`.
    """
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
            splits[f'{name}{fold}'] = numbers[:, columns].reshape(1, -1).astype(np.float64)  # MATLAB's row of doubles
    savemat(root / 'datasplits.mat', splits)
    return root


def write_dogs_list(file: Path, names: Sequence[str], labels: Sequence[float]) -> None:
    """Write one of Stanford Dogs' lists: `file_list` and `annotation_list` as N x 1 cells, `labels` as N x 1."""
    cells = np.array(names, dtype=object)[:, None]
    annotations = np.array([name.removesuffix('.jpg') for name in names], dtype=object)[:, None]
    savemat(
        file,
        {'file_list': cells, 'annotation_list': annotations, 'labels': np.array(labels, dtype=np.float64)[:, None]},
        do_compression=True,
    )


def copy_to_damage(root: Path, target: Path) -> Path:
    """A copy of a dataset that a test may damage; its JPEGs are links, to be removed but not written into."""

    def copy(source: str, file: str) -> None:
        (os.link if source.endswith('.jpg') else shutil.copyfile)(source, file)

    return Path(shutil.copytree(root, target, copy_function=copy))


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
