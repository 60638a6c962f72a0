"""Looks at the folder of a dataset and lists all that is wrong with it."""

import os
import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmpretrain.registry import DATASETS as REGISTRY
from PIL import Image, UnidentifiedImageError
from rich.progress import track

from lcv_mm.datasets.layout import missing_files
from lcv_mm.errors import DataError

from .dataset_facts import DatasetFacts, Split


@dataclass
class DatasetReport:
    """What a folder holds.

    Args:
        title (str): The dataset.
        folder (Path): The folder.
        rows (list[str]): What was counted, a line each.
        faults (list[str]): What is wrong, each with the file or split it is about; empty for a whole dataset.
    """

    title: str
    folder: Path
    rows: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        count = f'{len(self.faults)} fault{"s" * (len(self.faults) != 1)}' if self.faults else 'no fault'
        lines = [*self.rows, f'{count}{":" if self.faults else ""}', *(f'- {fault}' for fault in self.faults)]
        return '\n'.join([f'{self.title} in {self.folder}', *(f'  {line}' for line in lines)])


def check_dataset(facts: DatasetFacts, folder: Path, open_images: bool = True) -> DatasetReport:
    """Load each split by the dataset's own code, count it, and look at its images.

    Args:
        facts (DatasetFacts): The dataset, with the numbers that are expected.
        folder (Path): Its folder.
        open_images (bool): Whether to decode each image (a minute or so), or only to see that it is there.

    Returns:
        DatasetReport: With all faults: lists that cannot be read, counts that are off, labels at odds with their
            folder, images that are missing or cannot be opened.
    """
    report = DatasetReport(facts.title, folder)
    if not folder.is_dir() or not any(folder.iterdir()):
        report.faults.append('the folder is not there' if not folder.is_dir() else 'the folder is empty')
        return report
    class_of: dict[str, str] = {}  # image, relative to the folder -> name of its class; of all splits
    for split in facts.splits:
        loaded = _load(facts.type, folder, split, report.faults)
        if loaded is not None:
            classes, in_split = loaded
            counts = Counter(dict.fromkeys(classes, 0))
            counts.update(name for _, name in in_split)
            _compare(split, counts, report)
            class_of.update(in_split)
    if class_of:
        if len(class_of) != facts.images:
            report.faults.append(f'all splits: {len(class_of)} different images, expected {facts.images}')
        report.faults += _labels_at_odds(class_of)
        image_faults = _image_faults(folder, list(class_of), open_images)
        report.faults += image_faults
        opened = f', {len(class_of) - len(image_faults)} opened without fault' if open_images else ''
        report.rows.append(f'all splits: {len(class_of)} different images{opened}')
    return report


def _load(
    type_name: str, folder: Path, split: Split, faults: list[str]
) -> tuple[Sequence[str], list[tuple[str, str]]] | None:
    """The names of the classes, and each image of a split, relative to the folder, with the name of its class.

    The dataset's checks stop at the first thing that is wrong. Here they add it to `faults` and loading goes on, so
    that the rest is seen too; None where it can't. Missing images are looked for later, all of them at once.
    """
    cls = REGISTRY.get(type_name)

    def note(error: DataError) -> None:
        fault = str(error).partition(f' {cls.SOURCE}')[0]
        if fault not in faults:  # several splits can stumble over the same list
            faults.append(fault)

    def check_lists(self: Any, *lists: Any) -> None:
        try:
            cls._check_lists(self, *lists)
        except DataError as error:
            note(error)

    checks = {'_check_images': lambda self, names: None, '_check_lists': check_lists}
    lenient = type(cls.__name__, (cls,), checks)
    try:
        dataset = lenient(data_root=str(folder), serialize_data=False, **split.kwargs)
        infos = [dataset.get_data_info(index) for index in range(len(dataset))]
        images = [(os.path.relpath(info['img_path'], folder), dataset.CLASSES[info['gt_label']]) for info in infos]
    except DataError as error:
        note(error)
    except (AssertionError, LookupError, ValueError):
        if not faults:
            raise
        # else it follows from lists that were found to be wrong
    else:
        return dataset.CLASSES, images
    return None


def _compare(split: Split, counts: Counter[str], report: DatasetReport) -> None:
    """Compare the images of each class with the numbers expected of a split."""
    images, fewest, most = counts.total(), min(counts.values()), max(counts.values())
    report.rows.append(f'{split}: {images} images, {_span(fewest, most)} in each of {len(counts)} classes')
    if images != split.images:
        report.faults.append(f'{split}: {images} images, expected {split.images}')
    for name, count in counts.items():
        if not split.per_class[0] <= count <= split.per_class[1]:
            report.faults.append(f'{split}: {count} images of class {name}, expected {_span(*split.per_class)}')


def _span(fewest: int, most: int) -> str:
    return str(fewest) if fewest == most else f'{fewest} to {most}'


def _labels_at_odds(class_of: Mapping[str, str]) -> list[str]:
    """The images whose class is not that of most images in their folder, where there are folders of classes."""
    folders: dict[str, Counter[str]] = defaultdict(Counter)
    for image, name in class_of.items():
        folders[os.path.dirname(image)][name] += 1
    if len(folders) == 1:
        return []
    usual = {folder: names.most_common(1)[0][0] for folder, names in folders.items()}
    return [
        f'{image}: labelled {name}, but most images of its folder {usual[os.path.dirname(image)]}'
        for image, name in class_of.items()
        if name != usual[os.path.dirname(image)]
    ]


def _image_faults(folder: Path, images: Sequence[str], open_images: bool) -> list[str]:
    """The images that are missing and, where asked for, those that cannot be decoded."""
    missing = set(missing_files(folder, images))
    faults = [f'{image}: missing' for image in images if image in missing]
    if open_images:
        for image in track([image for image in images if image not in missing], description='Opening the images'):
            fault = _open_fault(folder / image)
            if fault:
                faults.append(f'{image}: cannot be opened ({fault})')
    return faults


def _open_fault(image: Path) -> str | None:
    """Decode an image; what went wrong, or None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of odd but harmless metadata
            with Image.open(image) as picture:
                picture.load()
    except UnidentifiedImageError:
        return 'no image of a known format'
    except Exception as error:  # decoders meet damaged bytes with errors of any kind
        return f'{type(error).__name__}: {error}'
    return None
