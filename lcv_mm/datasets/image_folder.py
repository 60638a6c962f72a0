"""A user's own images, one folder per class."""

import logging
import os

from mmengine.logging import print_log
from mmpretrain.datasets import CustomDataset
from mmpretrain.registry import DATASETS

from ..errors import DataError
from .image_file import SUFFIXES, images_in
from .layout import IntactImages


@DATASETS.register_module()
class ImageFolder(IntactImages, CustomDataset):
    """MMPretrain's `CustomDataset` for local folders, with the same arguments.

    `images_in` finds the images: all readable formats, without hidden folders and circular links. If `metainfo` lists
    the folder names as `classes`, the labels follow that order. If it lists other names, as many as there are folders,
    these are titles in the order of the folders.

    Raises:
        DataError: If the folder is missing, its class folders contain no image, `classes` names only some of the
            folders, or an image is damaged.

    Examples:
        >>> ImageFolder('images', metainfo=dict(classes=['cat', 'dog']), lazy_init=True).CLASSES
        ['cat', 'dog']
    """

    def _find_samples(self) -> list:
        root = os.path.abspath(self.img_prefix)
        if not os.path.isdir(root):
            raise DataError(f'{root}: no such folder; correct data_root, or in training give --data or --no-validate')
        names = images_in(root)
        if not self.with_label:
            return names
        folders = sorted(entry.name for entry in os.scandir(root) if entry.is_dir() and not entry.name.startswith('.'))
        classes = list(self.CLASSES or folders)
        others = [name for name in folders if name not in classes]
        if others and not len(others) == len(folders) == len(classes):  # all different: titles, in the folders' order
            raise DataError(f'{root}: metainfo.classes lacks {", ".join(others)}; expected the name of each folder')
        self.folder_to_idx = {name: label for label, name in enumerate(folders if others else classes)}
        samples = [(name, self.folder_to_idx[name.partition(os.sep)[0]]) for name in names if os.sep in name]
        if not samples:
            raise DataError(f'{root}: expected a folder per class with images in it ({", ".join(SUFFIXES)})')
        filled = {label for _, label in samples}
        empty = [name for name, label in self.folder_to_idx.items() if label not in filled]
        if empty or len(samples) < len(names):
            text = f'{root}: classes without an image: {", ".join(empty) or "none"}; skipped images in no folder: '
            print_log(f'{text}{len(names) - len(samples)}', 'current', logging.WARNING)
        self._metainfo['classes'] = tuple(classes)
        return samples
