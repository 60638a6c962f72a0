"""Oxford-Flower-17 with a check of the files before they are used."""

import os
from typing import Any

from mmpretrain.datasets import BaseDataset
from mmpretrain.registry import DATASETS

from .layout import ArchiveLayout

FLOWERS = (
    'daffodil', 'snowdrop', 'lily of the valley', 'bluebell', 'crocus', 'iris', 'tigerlily', 'tulip', 'fritillary',
    'sunflower', 'daisy', "colts' foot", 'dandelion', 'cowslip', 'buttercup', 'windflower', 'pansy',
)  # fmt: skip
IMAGES_PER_CLASS = 80
FOLDS = (1, 2, 3)
# protocol -> split -> the variables of datasplits.mat that hold it, each followed there by the fold's number
PROTOCOLS: dict[str, dict[str, tuple[str, ...]]] = {
    'paper': {'train': ('trn',), 'test': ('val', 'tst')},
    'official': {'train': ('trn',), 'val': ('val',), 'test': ('tst',)},
}


@DATASETS.register_module()
class OxfordFlower17(ArchiveLayout, BaseDataset):
    """Oxford-Flower-17, 1360 images of 17 flowers, in the layout of its archive.

    `17flowers.tgz`, unpacked, and `datasplits.mat` beside it (www.robots.ox.ac.uk/~vgg/data/flowers/17): ::

        oxford_flower17
        ├── jpg
        │   ├── image_0001.jpg
        │   ├── ...
        │   ├── image_1360.jpg
        │   └── files.txt
        └── datasplits.mat

    The 80 images of a class follow each other, so the class is `(number - 1) // 80`; `files.txt` is not read. The
    official split has three folds of 40 training, 20 validation and 20 test images per class.

    Args:
        data_root (str): The local folder that holds `jpg/` and `datasplits.mat`; may begin with `~`.
        split (str): 'train' (680 images) or 'test' (680 images); with `protocol='official'` 'train' (680), 'val'
            (340) or 'test' (340).
        fold (int): Which of the official divisions: 1, 2 or 3.
        protocol (str): 'paper', the LCV paper's 40 training and 40 test images per class, for which the validation and
            test images together are the test set; or 'official'.
        **kwargs: As MMPretrain's `BaseDataset` has them.

    Raises:
        ConfigError: If `split`, `fold` or `protocol` is none of these.
        DataError: If a file is missing or `datasplits.mat` is damaged.
    """

    METAINFO = {'classes': FLOWERS}
    SOURCE = (
        'They come from the archive 17flowers.tgz and the file datasplits.mat beside it '
        '(www.robots.ox.ac.uk/~vgg/data/flowers/17).'
    )
    KEY = 'flower17'
    FOLDER = 'jpg'
    LISTS = ('datasplits.mat',)

    def __init__(
        self, data_root: str, split: str = 'train', fold: int = 1, protocol: str = 'paper', **kwargs: Any
    ) -> None:
        self._check_choice('protocol', protocol, PROTOCOLS)
        self._check_choice('split', split, PROTOCOLS[protocol], f' with {protocol=}')
        self._check_choice('fold', fold, FOLDS)
        self.split, self.fold, self.protocol = split, int(fold), protocol
        kwargs.setdefault('test_mode', split != 'train')
        super().__init__(
            data_root=os.path.expanduser(data_root), ann_file=self.LISTS[0], data_prefix=self.FOLDER, **kwargs
        )

    def _read_split(self) -> tuple[list[str], list[int]]:
        variables = [f'{part}{self.fold}' for part in PROTOCOLS[self.protocol][self.split]]
        folds = self._read_mat(self.LISTS[0], variables)
        largest = len(FLOWERS) * IMAGES_PER_CLASS
        numbers = [n for values in folds.values() for n in self._whole_numbers(self.LISTS[0], values, largest)]
        return [f'image_{n:04d}.jpg' for n in numbers], [(n - 1) // IMAGES_PER_CLASS for n in numbers]
