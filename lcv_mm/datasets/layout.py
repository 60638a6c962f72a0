"""What the datasets of archives share: the check that their files are there, and errors that say what to do."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from lcv_mm.errors import DataError, UserFacingError

from .image_file import has_jpeg_end, image_fault

ELSEWHERE = (
    'or point to the folder that has it with --cfg-options '
    'train_dataloader.dataset.data_root=DIR val_dataloader.dataset.data_root=DIR '
    'test_dataloader.dataset.data_root=DIR'
)


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


def root_one_level_away(root: Path, marks: Sequence[str]) -> Path | None:
    """The folder that the user meant: one inside `root`, or the one around it, that holds all `marks`.

    Args:
        root (Path): The folder given; it need not exist.
        marks (Sequence[str]): Names of files and folders by which the right folder is known.

    Returns:
        Path | None: None if neither holds them, or `root` does.
    """
    inside = sorted(file.parent for file in root.glob(f'*/{marks[0]}')) if root.is_dir() else []
    holding = [folder for folder in (root, *inside, root.parent) if all((folder / mark).exists() for mark in marks)]
    return holding[0] if holding and holding[0] != root else None


def read_mat(file: str | Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Variables of a `.mat` file, each flattened to one axis.

    Args:
        file (str | Path): A `.mat` file of MATLAB's version 4 to 7.2.
        names (Iterable[str]): The variables to read.

    Returns:
        dict[str, np.ndarray]: name -> (N,) numbers, or objects where the variable is a cell array.

    Raises:
        ValueError: If the file is no such file, is damaged, or lacks a variable.
    """
    names = list(names)
    try:
        held = loadmat(str(file), appendmat=False, variable_names=names)
    except Exception as error:  # the reader meets damaged bytes with errors of any kind: TypeError, zlib.error, ...
        raise ValueError(f'is damaged or no MATLAB file ({type(error).__name__}: {error})') from error
    absent = [name for name in names if not isinstance(held.get(name), np.ndarray)]
    if absent:
        raise ValueError(f'lacks the variable{"s" * (len(absent) > 1)} {", ".join(absent)}')
    return {name: held[name].ravel() for name in names}


class ArchiveLayout:
    """A mixin of the datasets that read an unpacked archive: a folder of images and some lists beside it.

    To be named before MMPretrain's `BaseDataset`, whose `prepare_data` it extends.

    Attributes:
        FOLDER (str): Name of the folder of images.
        LISTS (tuple[str, ...]): Names of the lists; by the first and `FOLDER` a root one level away is found.
        SOURCE (str): Where the files come from, a sentence; the end of each error.
        REMEDY (str): What to do, after `SOURCE`; `{root}` in it is the user's `data_root`.
    """

    FOLDER: str
    LISTS: tuple[str, ...]
    SOURCE: str
    REMEDY: str
    data_root: str
    split: str

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on one image.

        OpenCV fills what is missing of a JPEG that was cut off with grey, and says nothing.

        Raises:
            DataError: If the image's file is missing or damaged.
        """
        file = self.get_data_info(idx)['img_path']  # type: ignore[attr-defined]
        try:
            fault = None if has_jpeg_end(file) else image_fault(file)
            data = super().prepare_data(idx)  # type: ignore[misc]
        except UserFacingError:
            raise
        except Exception:
            fault = image_fault(file)
            if fault is None:  # the image is whole: the pipeline is to blame
                raise
        if fault is not None:
            raise self._error(f'the image {file} (of the split {self.split!r}) is {fault}')
        return data

    def _error(self, problem: str) -> DataError:
        """The problem, the folder, where its files come from and what to do."""
        root = os.path.abspath(self.data_root)
        remedy = self.REMEDY.format(root=self.data_root)
        return DataError(f'{type(self).__name__} in {root}: {problem}. {self.SOURCE} {remedy}')

    def _check_layout(self) -> None:
        """Raise DataError unless the root, the folder of images and the lists are there."""
        root = Path(os.path.abspath(self.data_root))
        found = {f'{self.FOLDER}/': (root / self.FOLDER).is_dir()}
        found |= {name: (root / name).is_file() for name in self.LISTS}
        if all(found.values()):
            return
        absent = ', '.join(name for name, there in found.items() if not there)
        problem = f'expected {", ".join(found)} in this folder; ' + (
            f'missing: {absent}' if root.is_dir() else 'the folder does not exist'
        )
        better = root_one_level_away(root, (self.LISTS[0], self.FOLDER))
        if better:
            problem += f'. But {better} holds {self.LISTS[0]}: data_root={str(better)!r} would be right'
        raise self._error(problem)

    def _check_images(self, names: Sequence[str]) -> None:
        """Raise DataError unless each image of the split is there."""
        folder = Path(self.data_root, self.FOLDER)
        missing = missing_files(folder, names)
        if not missing:
            return
        class_folders = {os.path.dirname(name) for name in missing} - {''}
        where = f', in {len(class_folders)} class folders' if class_folders else ''
        first = ', '.join(missing[:3]) + (', ...' if len(missing) > 3 else '')
        empty = '' if any(folder.iterdir()) else ', which is empty'
        raise self._error(
            f'{len(missing)} of the {len(names)} images of the split {self.split!r} are missing from '
            f'{self.FOLDER}/{empty}{where}: {first}'
        )

    def _read_mat(self, name: str, variables: Iterable[str]) -> dict[str, np.ndarray]:
        """Variables of a `.mat` file of the root, (N,) each; DataError if the file is damaged or lacks one."""
        file = os.path.join(self.data_root, name)
        try:
            return read_mat(file, variables)
        except ValueError as error:
            raise self._error(f'{file} {error}') from error

    def _whole_numbers(self, name: str, variable: str, values: np.ndarray, largest: int, what: str) -> list[int]:
        """The (N,) values as integers; DataError unless all are whole numbers in [1, largest]."""
        if values.dtype.kind not in 'iuf':
            raise self._error(f'{name}: {variable} holds no numbers')
        wrong = next((i for i, value in enumerate(values) if not (1 <= value <= largest and value == int(value))), None)
        if wrong is not None:
            raise self._error(
                f'{name}: {variable}, entry {wrong + 1}: expected a whole number from 1 to {largest}, {what}, '
                f'found {values[wrong].item()!r}'
            )
        return [int(value) for value in values]
