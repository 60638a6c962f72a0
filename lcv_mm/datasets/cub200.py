"""CUB-200-2011 with a check of the files before they are used."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmengine import list_from_file
from mmpretrain.datasets import CUB
from mmpretrain.registry import DATASETS

from lcv_mm.errors import DataError

SPLITS = ('train', 'test')


def missing_files(folder: str | Path, names: Iterable[str]) -> list[str]:
    """The names that are no entry below a folder; each folder is listed once, no file is touched.

    Args:
        folder (str | Path): Where the names begin.
        names (Iterable[str]): Paths relative to `folder`, such as `001.Name/Name_0001.jpg`.

    Returns:
        list[str]: The missing ones, in the order given.
    """
    entries: dict[str, set[str]] = {}
    missing = []
    for name in names:
        parent, base = os.path.split(name)
        if parent not in entries:
            try:
                with os.scandir(os.path.join(folder, parent)) as scan:
                    entries[parent] = {entry.name for entry in scan}
            except (FileNotFoundError, NotADirectoryError):
                entries[parent] = set()
        if base not in entries[parent]:
            missing.append(name)
    return missing


def root_one_level_away(root: Path) -> Path | None:
    """The folder that the user meant: the one inside `root`, or around it, that holds `images.txt`; None if neither."""
    inside = sorted(root.glob('*/images.txt')) if root.is_dir() else []
    return next((file.parent for file in [*inside, root.parent / 'images.txt'] if file.is_file()), None)


@DATASETS.register_module()
class CUB200(CUB):
    """CUB-200-2011 in the layout of its archive; MMPretrain's `CUB` with errors that say what to do.

    The files are checked when the annotations are loaded, so with `lazy_init=True` not before the first use. The
    check lists each folder once and opens no image.

    Args:
        data_root (str): The local folder that holds `images/`, `images.txt`, `image_class_labels.txt` and
            `train_test_split.txt`; may begin with `~`.
        split (str): 'train' (5994 images) or 'test' (5794 images).
        **kwargs: As MMPretrain's `CUB` has them.

    Raises:
        ValueError: If `split` is neither.
        DataError: If a file is missing or the lists are damaged.
    """

    SOURCE = 'They come from the archive CUB_200_2011.tgz (data.caltech.edu/records/65de6-vp158).'
    REMEDY = (
        'Unpack it so that {root}/images.txt exists, or point to the folder that has it with --cfg-options '
        'train_dataloader.dataset.data_root=DIR val_dataloader.dataset.data_root=DIR '
        'test_dataloader.dataset.data_root=DIR'
    )
    LISTS = ('images.txt', 'image_class_labels.txt', 'train_test_split.txt')

    def __init__(self, data_root: str, split: str = 'train', **kwargs: Any) -> None:
        if split not in SPLITS:
            raise ValueError(f"split={split!r}, but {type(self).__name__} has the splits 'train' and 'test'")
        super().__init__(data_root=os.path.expanduser(data_root), split=split, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Check the files, then read them as MMPretrain does.

        Returns:
            list[dict]: One `dict(img_path=..., gt_label=...)` an image, labels from 0.

        Raises:
            DataError: If a file is missing, the lists disagree, or the split is empty.
        """
        self._check_layout()
        files = (self.ann_file, self.image_class_labels_file, self.train_test_split_file)
        images, labels, splits = (self._load_data_from_txt(file) for file in files)
        self._check_lists(images, labels, splits)
        data_list = super().load_data_list()
        if not data_list:
            raise self._error(f'{self.LISTS[2]} puts no image into the split {self.split!r}')
        wanted = '1' if self.split == 'train' else '0'
        self._check_images([name for key, name in images.items() if splits[key] == wanted])
        return data_list

    def _load_data_from_txt(self, filepath: str) -> dict[int, str]:
        """Read lines `<id> <value>` into {id - 1: value}; blank lines are skipped.

        Raises:
            DataError: If a line is not of this form or an id comes twice.
        """
        values: dict[int, str] = {}
        for number, text in enumerate(list_from_file(filepath), 1):
            if not text.strip():
                continue
            key, value = [*text.split(maxsplit=1), ''][:2]
            if not (key.isascii() and key.isdigit() and value):
                raise self._error(f"{filepath}, line {number}: expected '<id> <value>', found {text!r}")
            if int(key) - 1 in values:
                raise self._error(f'{filepath}, line {number}: the id {key} comes a second time')
            values[int(key) - 1] = value.rstrip()
        return values

    def _error(self, problem: str) -> DataError:
        """The problem, the folder, where its files come from and what to do."""
        root = os.path.abspath(self.data_root)
        remedy = self.REMEDY.format(root=self.data_root)
        return DataError(f'{type(self).__name__} in {root}: {problem}. {self.SOURCE} {remedy}')

    def _check_layout(self) -> None:
        """Raise DataError unless the root, the folder of images and the three lists are there."""
        root = Path(os.path.abspath(self.data_root))
        expected = {'images': Path(self.img_prefix), self.LISTS[0]: Path(self.ann_file)}
        expected |= {name: root / name for name in self.LISTS[1:]}
        found = {name: path.is_dir() if name == 'images' else path.is_file() for name, path in expected.items()}
        if all(found.values()):
            return
        absent = ', '.join('images/' if name == 'images' else name for name, there in found.items() if not there)
        problem = f'expected images/, {", ".join(self.LISTS)} in this folder; ' + (
            f'missing: {absent}' if root.is_dir() else 'the folder does not exist'
        )
        better = root_one_level_away(root)
        if better and better != root:
            problem += f'. But {better} holds images.txt: data_root={str(better)!r} would be right'
        raise self._error(problem)

    def _check_lists(self, images: Mapping[int, str], labels: Mapping[int, str], splits: Mapping[int, str]) -> None:
        """Raise DataError unless the lists have the same ids, labels of known classes and splits of 0 or 1."""
        for name, values in zip(self.LISTS[1:], (labels, splits), strict=True):
            differing = sorted(images.keys() ^ values.keys())
            if differing:
                raise self._error(
                    f'images.txt has {len(images)} ids and {name} has {len(values)}; they must have the same, but '
                    f'{len(differing)} are in only one of them, the first is id {differing[0] + 1}'
                )
        num_classes = len(self.metainfo['classes'])
        valid_labels = {str(number) for number in range(1, num_classes + 1)}
        for name, values, valid, expected in (
            (self.LISTS[1], labels, valid_labels, f'a whole number from 1 to {num_classes}, the number of classes'),
            (self.LISTS[2], splits, {'0', '1'}, '0 (test) or 1 (train)'),
        ):
            wrong = next((key for key, value in values.items() if value not in valid), None)
            if wrong is not None:
                raise self._error(f'{name}, id {wrong + 1}: expected {expected}, found {values[wrong]!r}')

    def _check_images(self, names: list[str]) -> None:
        """Raise DataError unless each image of the split is there."""
        missing = missing_files(self.img_prefix, names)
        if missing:
            num_folders = len({os.path.dirname(name) for name in missing})
            first = ', '.join(missing[:3]) + (', ...' if len(missing) > 3 else '')
            raise self._error(
                f'{len(missing)} of the {len(names)} images of the split {self.split!r} are missing from images/, '
                f'in {num_folders} class folders: {first}'
            )
