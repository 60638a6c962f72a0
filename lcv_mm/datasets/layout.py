"""Mixins for datasets: checks that the files are present and intact, with errors that say what to do."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from ..errors import ConfigError, DataError
from .image_file import has_jpeg_end, image_error, missing_files


class IntactImages:
    """A mixin before MMPretrain's dataset: a missing or damaged image gives one error that names it."""

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on one image.

        OpenCV may silently fill the missing part of a truncated JPEG with grey; here this is an error.

        Raises:
            DataError: If the image file is missing or damaged.
        """
        file = self.get_data_info(idx)['img_path']  # type: ignore[attr-defined]
        try:
            problem = None if has_jpeg_end(file) else image_error(file)
            data = super().prepare_data(idx)  # type: ignore[misc]
        except Exception:
            problem = image_error(file)
            if problem is None:  # the image is intact, so the error is in the pipeline
                raise
        if problem is not None:
            raise self._error(f'the image {file} is {problem}')
        return data

    def _error(self, problem: str) -> DataError:
        return DataError(f'{problem}. Remove or replace it; tools/prepare_data.py --check lists all such images')


class ArchiveLayout(IntactImages):
    """A mixin for datasets that read an unpacked archive: an image folder and some lists.

    It comes before MMPretrain's dataset and replaces its `load_data_list`. The files are checked when the annotations
    are loaded: with `lazy_init=True`, on first use. The check lists each folder once and opens no image.
    """

    FOLDER: str  # name of the image folder
    LISTS: tuple[str, ...]  # names of the lists
    SOURCE: str  # a sentence on where the files come from; part of each error
    KEY: str  # the dataset's name in `tools/prepare_data.py`
    REMEDY = (  # what to do, printed after `SOURCE`; `{root}` is the user's `data_root`, `{mark}` the first list
        'Run `python tools/prepare_data.py {key}`, or unpack them so that {root}/{mark} exists, or point to the folder '
        'that has it with --cfg-options train_dataloader.dataset.data_root=DIR val_dataloader.dataset.data_root=DIR '
        'test_dataloader.dataset.data_root=DIR'
    )
    data_root: str
    img_prefix: str
    split: str

    def _check_choice(self, name: str, value: Any, choices: Iterable[Any], where: str = '') -> None:
        """Raise ConfigError unless a setting is one of the choices."""
        if value not in [*choices]:
            raise ConfigError(f'{name}={value!r}: {type(self).__name__} has {", ".join(map(repr, choices))}{where}')

    def load_data_list(self) -> list[dict]:
        """Check the files, then read the split; opens no image.

        Returns:
            list[dict]: One `dict(img_path=..., gt_label=...)` per image, labels from 0.

        Raises:
            DataError: If a file is missing or unreadable, a list is damaged, or the lists disagree.
        """
        try:
            self._check_layout()
            images, labels = self._read_split()
            self._check_images(images)
        except (OSError, UnicodeDecodeError) as error:
            raise self._error(f'a file cannot be read ({error})') from error
        return [
            dict(img_path=os.path.join(self.img_prefix, image), gt_label=label)
            for image, label in zip(images, labels, strict=True)
        ]

    def _read_split(self) -> tuple[list[str], list[int]]:
        """The images of the split, relative to `FOLDER`, and their labels from 0; DataError for damaged lists."""
        raise NotImplementedError

    def _error(self, problem: str) -> DataError:
        """An error with the problem, the folder, the source of its files and what to do."""
        root = os.path.abspath(self.data_root)
        remedy = self.REMEDY.format(key=self.KEY, root=self.data_root, mark=self.LISTS[0])
        return DataError(f'{type(self).__name__} in {root}: {problem}. {self.SOURCE} {remedy}')

    def _check_layout(self) -> None:
        """Raise DataError unless the root, the image folder and the lists exist."""
        root = Path(os.path.abspath(self.data_root))
        there = {f'{self.FOLDER}/': (root / self.FOLDER).is_dir()}
        there |= {name: (root / name).is_file() for name in self.LISTS}
        if all(there.values()):
            return
        absent = ', '.join(name for name, is_there in there.items() if not is_there)
        problem = f'missing: {absent}' if root.is_dir() else 'the folder does not exist'
        raise self._error(f'expected {", ".join(there)} in this folder; {problem}')

    def _check_images(self, names: Sequence[str]) -> None:
        """Raise DataError unless each image of the split exists and is listed once."""
        if twice := [name for name, times in Counter(names).items() if times > 1]:
            raise self._error(f'{len(twice)} images of the split {self.split!r} are listed twice: {twice[0]}')
        folder = Path(self.data_root, self.FOLDER)
        missing = missing_files(folder, names)
        if not missing:
            return
        first = ', '.join(missing[:3]) + (', ...' if len(missing) > 3 else '')
        count = f'{len(missing)} of the {len(names)} images of the split {self.split!r}'
        raise self._error(f'{count} are missing from {self.FOLDER}/: {first}')

    def _read_mat(self, name: str, variables: Iterable[str]) -> dict[str, np.ndarray]:
        """Variables of a `.mat` file in the root, each flattened to (N,); DataError if it is damaged or lacks one."""
        file = os.path.join(self.data_root, name)
        variables = list(variables)
        try:
            content = loadmat(file, appendmat=False, variable_names=variables)
        except PermissionError:
            raise
        except Exception as error:  # damaged bytes may raise anything: TypeError, zlib.error, ...
            raise self._error(f'{file} is damaged or not a MATLAB file ({type(error).__name__}: {error})') from error
        absent = [variable for variable in variables if not isinstance(content.get(variable), np.ndarray)]
        if absent:
            raise self._error(f'{file} lacks the variable{"s" * (len(absent) > 1)} {", ".join(absent)}')
        return {variable: content[variable].ravel() for variable in variables}

    def _whole_numbers(self, name: str, values: np.ndarray, largest: int) -> list[int]:
        """The (N,) values of a list as integers; DataError if empty or not whole numbers in [1, largest]."""
        if not values.size or not np.isin(values, np.arange(1, largest + 1)).all():
            raise self._error(f'{name} is damaged: expected whole numbers from 1 to {largest}')
        return values.astype(int).tolist()
