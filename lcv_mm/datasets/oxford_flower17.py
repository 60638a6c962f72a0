"""Oxford-Flower-17 with a check of the files."""

import os
from typing import Any

from mmpretrain.datasets import BaseDataset
from mmpretrain.registry import DATASETS
from scipy.io import loadmat

from ..errors import ConfigError
from .layout import ArchiveLayout

FLOWERS = (
    'daffodil', 'snowdrop', 'lily of the valley', 'bluebell', 'crocus', 'iris', 'tigerlily', 'tulip', 'fritillary',
    'sunflower', 'daisy', "colts' foot", 'dandelion', 'cowslip', 'buttercup', 'windflower', 'pansy',
)  # fmt: skip
IMAGES_PER_CLASS = 80
FOLDS = (1, 2, 3)
# protocol -> split -> its variables in datasplits.mat, whose names end with the number of the fold
PROTOCOLS: dict[str, dict[str, tuple[str, ...]]] = {
    'paper': {'train': ('trn',), 'test': ('val', 'tst')},
    'official': {'train': ('trn',), 'val': ('val',), 'test': ('tst',)},
}


@DATASETS.register_module()
class OxfordFlower17(ArchiveLayout, BaseDataset):
    """Oxford-Flower-17, 1360 images of 17 flowers, in the layout of its archive.

    The unpacked `17flowers.tgz`, with `datasplits.mat` next to it (www.robots.ox.ac.uk/~vgg/data/flowers/17): ::

        oxford_flower17
        ├── jpg
        │   ├── image_0001.jpg
        │   ├── ...
        │   ├── image_1360.jpg
        │   └── files.txt
        └── datasplits.mat

    The 80 images of each class are numbered consecutively, so the class is `(number - 1) // 80`; `files.txt` is not
    read. There are three official splits of 40 training, 20 validation and 20 test images per class.

    Args:
        data_root (str): Local folder with `jpg/` and `datasplits.mat`; may begin with `~`.
        split (str): 'train' (680 images) or 'test' (680 images); with `protocol='official'`, 'train' (680), 'val'
            (340) or 'test' (340). Defaults to 'train'.
        fold (int): Official split: 1, 2 or 3. Defaults to 1.
        protocol (str): 'paper' for the LCV paper's 40 training and 40 test images per class, with the validation and
            test images together as the test set; or 'official'. Defaults to 'paper'.
        **kwargs: Of MMPretrain's `BaseDataset`.

    Raises:
        ConfigError: If there is no such protocol, split or fold.
        DataError: If a file is missing or `datasplits.mat` is damaged.

    Examples:
        >>> OxfordFlower17('data/oxford_flower17', fold=2, lazy_init=True).CLASSES[:2]
        ('daffodil', 'snowdrop')
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
        if split not in PROTOCOLS.get(protocol, {}):
            known = {name: [*splits] for name, splits in PROTOCOLS.items()}
            raise ConfigError(f'OxfordFlower17 has no {split=} with {protocol=}; it has {known}')
        if int(fold) not in FOLDS:
            raise ConfigError(f'OxfordFlower17 has no {fold=}; it has {FOLDS} (fold={{seed}} needs --seeds 1 2 3)')
        self.split, self.fold, self.protocol = split, int(fold), protocol
        kwargs.setdefault('test_mode', split != 'train')
        super().__init__(
            data_root=os.path.expanduser(data_root), ann_file=self.LISTS[0], data_prefix=self.FOLDER, **kwargs
        )

    def _read_split(self) -> list[tuple[str, int]]:
        content = loadmat(self.ann_file, squeeze_me=True)
        parts = PROTOCOLS[self.protocol][self.split]
        numbers = [int(number) for part in parts for number in content[f'{part}{self.fold}']]
        return [(f'image_{number:04d}.jpg', (number - 1) // IMAGES_PER_CLASS + 1) for number in numbers]
