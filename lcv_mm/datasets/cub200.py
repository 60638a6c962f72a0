"""CUB-200-2011, or a subset of its classes, with a check of the files."""

import os
from typing import Any

from mmpretrain.datasets import CUB
from mmpretrain.registry import DATASETS

from .layout import ArchiveLayout


@DATASETS.register_module()
class CUB200(ArchiveLayout, CUB):
    """CUB-200-2011 in the layout of its archive: MMPretrain's `CUB` with errors that say what to do.

    To read a folder with the same layout and only some of the classes, numbered from 1, set
    `metainfo=dict(classes=[their names])`.

    Args:
        data_root (str): Local folder with `images/`, `images.txt`, `image_class_labels.txt` and
            `train_test_split.txt`; may begin with `~`.
        split (str): 'train' (5994 images) or 'test' (5794 images). Defaults to 'train'.
        **kwargs: Of MMPretrain's `CUB`.

    Raises:
        DataError: If a file is missing or the lists are damaged.

    Examples:
        >>> len(CUB200('data/CUB_200_2011', split='test', lazy_init=True).CLASSES)
        200
    """

    SOURCE = 'They come from the archive CUB_200_2011.tgz (data.caltech.edu/records/65de6-vp158).'
    KEY = 'cub'
    FOLDER = 'images'
    LISTS = ('images.txt', 'image_class_labels.txt', 'train_test_split.txt')

    def __init__(self, data_root: str, **kwargs: Any) -> None:
        super().__init__(data_root=os.path.expanduser(data_root), **kwargs)

    def _read_split(self) -> list[tuple[str, int]]:
        files = (self.ann_file, self.image_class_labels_file, self.train_test_split_file)
        images, labels, splits = (self._load_data_from_txt(file) for file in files)
        mark = '1' if self.split == 'train' else '0'
        return [(image, int(labels[key])) for key, image in images.items() if splits[key] == mark]
