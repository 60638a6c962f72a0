"""CUB-200-2011, or a subset of its classes, with a check of the files."""

import os
from collections.abc import Mapping
from typing import Any

from mmengine import list_from_file
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
        split (str): 'train' (5994 images) or 'test' (5794 images).
        **kwargs: Of MMPretrain's `CUB`.

    Raises:
        ConfigError: If `split` is neither.
        DataError: If a file is missing or the lists are damaged.
    """

    SOURCE = 'They come from the archive CUB_200_2011.tgz (data.caltech.edu/records/65de6-vp158).'
    KEY = 'cub'
    FOLDER = 'images'
    LISTS = ('images.txt', 'image_class_labels.txt', 'train_test_split.txt')

    def __init__(self, data_root: str, split: str = 'train', **kwargs: Any) -> None:
        self._check_choice('split', split, ('train', 'test'))
        super().__init__(data_root=os.path.expanduser(data_root), split=split, **kwargs)

    def _read_split(self) -> tuple[list[str], list[int]]:
        files = (self.ann_file, self.image_class_labels_file, self.train_test_split_file)
        images, labels, splits = (self._load_data_from_txt(file) for file in files)
        self._check_lists(images, labels, splits)
        mark = '1' if self.split == 'train' else '0'
        keys = [key for key in images if splits.get(key) == mark]
        if not keys:
            raise self._error(f'{self.LISTS[2]} puts no image into the split {self.split!r}')
        return [images[key] for key in keys], [int(labels[key]) - 1 for key in keys]

    def _load_data_from_txt(self, filepath: str) -> dict[int, str]:
        """Read lines `<id> <value>` into {id - 1: value}; blank lines are skipped.

        Raises:
            DataError: If a line does not have this form, or an id occurs twice.
        """
        values: dict[int, str] = {}
        for number, text in enumerate(list_from_file(filepath), 1):
            if not text.strip():
                continue
            key, value = [*text.split(maxsplit=1), ''][:2]
            if not (key.isascii() and key.isdigit() and value):
                raise self._error(f"{filepath}, line {number}: expected '<id> <value>', found {text!r}")
            if int(key) - 1 in values:
                raise self._error(f'{filepath}, line {number}: id {key} is there twice')
            values[int(key) - 1] = value.rstrip()
        return values

    def _check_lists(self, images: Mapping[int, str], labels: Mapping[int, str], splits: Mapping[int, str]) -> None:
        """Raise DataError unless the lists have equal ids, labels of known classes, and splits of 0 or 1."""
        num_classes = len(self.metainfo['classes'])
        valid_labels = {str(number) for number in range(1, num_classes + 1)}
        for name, values, valid, expected in (
            (self.LISTS[1], labels, valid_labels, f'a whole number from 1 to {num_classes}, the number of classes'),
            (self.LISTS[2], splits, {'0', '1'}, '0 (test) or 1 (train)'),
        ):
            differing = sorted(images.keys() ^ values.keys())
            if differing:
                raise self._error(f'{len(differing)} ids are in images.txt or {name} alone, such as {differing[0] + 1}')
            wrong = next((key for key, value in values.items() if value not in valid), None)
            if wrong is not None:
                raise self._error(f'{name}, id {wrong + 1}: expected {expected}, found {values[wrong]!r}')
