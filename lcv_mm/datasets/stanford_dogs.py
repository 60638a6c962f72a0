"""Stanford Dogs with a check of the files."""

import os
from typing import Any

import numpy as np
from mmpretrain.datasets import BaseDataset
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES
from mmpretrain.registry import DATASETS

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
        split (str): 'train' (12000 images) or 'test' (8580 images).
        **kwargs: Of MMPretrain's `BaseDataset`.

    Raises:
        ConfigError: If `split` is neither.
        DataError: If a file is missing or the lists are damaged.
    """

    METAINFO = {'classes': BREEDS}
    SOURCE = 'They come from the archives images.tar and lists.tar (vision.stanford.edu/aditya86/ImageNetDogs).'
    KEY = 'dogs'
    FOLDER = 'Images'
    LISTS = ('train_list.mat', 'test_list.mat')

    def __init__(self, data_root: str, split: str = 'train', **kwargs: Any) -> None:
        self._check_choice('split', split, ('train', 'test'))
        kwargs.setdefault('test_mode', split == 'test')
        self.split = split
        super().__init__(
            data_root=os.path.expanduser(data_root), ann_file=f'{split}_list.mat', data_prefix=self.FOLDER, **kwargs
        )

    def _read_split(self) -> tuple[list[str], list[int]]:
        name = f'{self.split}_list.mat'
        content = self._read_mat(name, ('file_list', 'labels'))
        labels = self._whole_numbers(name, content['labels'], len(self.metainfo['classes']))
        images = [str(np.squeeze(cell)) for cell in content['file_list']]
        if len(images) != len(labels):
            raise self._error(f'{name} has {len(images)} images and {len(labels)} labels')
        return images, [label - 1 for label in labels]
