"""Stanford Dogs with a check of the files."""

import os
from collections.abc import Iterable
from typing import Any

from mmpretrain.datasets import BaseDataset
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES
from mmpretrain.registry import DATASETS
from scipy.io import loadmat

from ..errors import ConfigError
from .layout import ArchiveLayout

# In the order of the folders, n02085620-Chihuahua to n02116738-African_hunting_dog: ImageNet's domestic and wild dogs
# without the dalmatian.
BREEDS = tuple(
    name.partition(',')[0].replace(' ', '_')
    for name in (*IMAGENET_CATEGORIES[151:251], *IMAGENET_CATEGORIES[252:269], *IMAGENET_CATEGORIES[273:276])
)


@DATASETS.register_module()
class StanfordDogs(ArchiveLayout, BaseDataset):
    """Stanford Dogs, 20580 images of 120 breeds from ImageNet, in the layout of its archives.

    `images.tar` and `lists.tar` (vision.stanford.edu/aditya86/ImageNetDogs) unpacked into one folder: ::

        stanford_dogs
        ├── Images
        │   ├── n02085620-Chihuahua
        │   │   ├── n02085620_10074.jpg
        │   │   └── ...
        │   ├── ...
        │   └── n02116738-African_hunting_dog
        ├── train_list.mat
        ├── test_list.mat
        └── ...

    Labels start at 0 and follow the order of the folder names; a class is named after its folder. One image,
    `n02105855_2933.jpg`, is a PNG with 4 channels; `LoadImageFromFile` keeps 3 of them.

    Args:
        data_root (str): Local folder with `Images/`, `train_list.mat` and `test_list.mat`; may begin with `~`.
        split (str): 'train' (12000 images) or 'test' (8580 images). Defaults to 'train'.
        **kwargs: Of MMPretrain's `BaseDataset`.

    Raises:
        ConfigError: If there is no such split.
        DataError: If a file is missing or the lists are damaged.

    Examples:
        >>> StanfordDogs('data/stanford_dogs', split='test', lazy_init=True).CLASSES[:2]
        ('Chihuahua', 'Japanese_spaniel')
    """

    METAINFO = {'classes': BREEDS}
    SOURCE = 'They come from the archives images.tar and lists.tar (vision.stanford.edu/aditya86/ImageNetDogs).'
    KEY = 'dogs'
    FOLDER = 'Images'
    LISTS = ('train_list.mat', 'test_list.mat')

    def __init__(self, data_root: str, split: str = 'train', **kwargs: Any) -> None:
        if split not in ('train', 'test'):
            raise ConfigError(f"StanfordDogs has no {split=}; it has 'train' and 'test'")
        kwargs.setdefault('test_mode', split == 'test')
        self.split = split
        super().__init__(
            data_root=os.path.expanduser(data_root), ann_file=f'{split}_list.mat', data_prefix=self.FOLDER, **kwargs
        )

    def _read_split(self) -> Iterable[tuple[str, int]]:
        content = loadmat(self.ann_file, squeeze_me=True)
        return zip(content['file_list'], content['labels'], strict=True)
