"""Mixins for datasets: checks that the files are present and intact, with errors that say what to do."""

import os
from collections.abc import Iterable
from typing import Any

from ..errors import DataError
from .image_file import image_error, may_be_cut


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
            problem = image_error(file) if may_be_cut(file) else None
            data = super().prepare_data(idx)  # type: ignore[misc]
        except Exception:
            problem = image_error(file)
            if problem is None:  # the image is intact, so the error is in the pipeline
                raise
        if problem is not None:
            raise self._error(f'the image {file} is {problem}')
        return data

    def _error(self, problem: str) -> DataError:
        return DataError(f'{problem}. Remove or replace it; lcv_mm prepare_data --check lists all such images')


class ArchiveLayout(IntactImages):
    """A mixin for datasets that read an unpacked archive: an image folder and some lists.

    It comes before MMPretrain's dataset and replaces its `load_data_list`. The files are checked when the annotations
    are loaded: with `lazy_init=True`, on first use. The check opens no image.
    """

    FOLDER: str  # name of the image folder
    LISTS: tuple[str, ...]  # names of the lists
    SOURCE: str  # a sentence on where the files come from; part of each error
    KEY: str  # the dataset's name in `lcv_mm prepare_data`
    REMEDY = (  # what to do, printed after `SOURCE`; `{root}` is the user's `data_root`, `{first_list}` the first list
        'Run `lcv_mm prepare_data {key}`, or unpack them so that {root}/{first_list} exists, or point to the folder '
        'that has it with --cfg-options train_dataloader.dataset.data_root=DIR val_dataloader.dataset.data_root=DIR '
        'test_dataloader.dataset.data_root=DIR'
    )
    data_root: str
    img_prefix: str
    split: str

    def load_data_list(self) -> list[dict]:
        """Read the split: one `dict(img_path=..., gt_label=...)` per image, labels from 0.

        Raises:
            DataError: If a file is missing or a list is damaged.
        """
        infos = self.read_lists()
        missing = [info['img_path'] for info in infos if not os.path.isfile(info['img_path'])]
        if missing:
            first = ', '.join(os.path.relpath(file, self.img_prefix) for file in missing[:3])
            count = f'{len(missing)} of the {len(infos)} images of the split {self.split!r}'
            raise self._error(f'{count} are missing from {self.FOLDER}/: {first}{", ..." * (len(missing) > 3)}')
        return infos

    def read_lists(self) -> list[dict]:
        """As `load_data_list`, without a check that the images exist."""
        try:
            return [
                dict(img_path=os.path.join(self.img_prefix, image), gt_label=int(label) - 1)
                for image, label in self._read_split()
            ]
        except Exception as error:  # damaged bytes may raise anything
            raise self._error(f'a list cannot be read ({type(error).__name__}: {error})') from error

    def _read_split(self) -> Iterable[tuple[str, int]]:
        """The images of the split, relative to `FOLDER`, and their labels from 1."""
        raise NotImplementedError

    def _error(self, problem: str) -> DataError:
        """An error with the problem, the folder, the source of its files and what to do."""
        root = os.path.abspath(self.data_root)
        remedy = self.REMEDY.format(key=self.KEY, root=self.data_root, first_list=self.LISTS[0])
        return DataError(f'{type(self).__name__} in {root}: {problem}. {self.SOURCE} {remedy}')
