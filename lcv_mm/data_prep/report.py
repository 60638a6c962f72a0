"""Looks at the folder of a dataset and lists all that is wrong with it."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmpretrain.registry import DATASETS as REGISTRY
from rich.progress import track

from lcv_mm.datasets.image_file import image_fault, missing_files
from lcv_mm.errors import DataError

from .facts import DatasetFacts, Split


@dataclass
class DatasetReport:
    """What a folder holds.

    Args:
        title (str): The dataset.
        folder (Path): The folder.
        rows (list[str]): What was counted, a line each.
        faults (list[str]): What is wrong, each with the file or split it is about; empty for a complete dataset.
    """

    title: str
    folder: Path
    rows: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        count = f'{len(self.faults)} fault{"s" * (len(self.faults) != 1)}:' if self.faults else 'no fault'
        lines = [*self.rows, count, *(f'- {fault}' for fault in self.faults)]
        return '\n'.join([f'{self.title} in {self.folder}', *(f'  {line}' for line in lines)])


def check_dataset(facts: DatasetFacts, folder: Path, open_images: bool = True) -> DatasetReport:
    """Load each split by the dataset's own code, count it, and look at its images.

    Args:
        facts (DatasetFacts): The dataset, with the numbers that are expected.
        folder (Path): Its folder.
        open_images (bool): Whether to decode each image (a minute or so), or only to see that it is there.

    Returns:
        DatasetReport: With all faults: lists that cannot be used, counts that are off, labels at odds with their
            folder, images that are missing or damaged.
    """
    report = DatasetReport(facts.title, folder)
    if not folder.is_dir() or not any(folder.iterdir()):
        report.faults.append('the folder does not exist' if not folder.is_dir() else 'the folder is empty')
        return report
    class_of: dict[str, str] = {}  # image, relative to the folder -> name of its class; of all splits
    for split in facts.splits:
        dataset = _load(facts.type, folder, split, report.faults)
        if dataset is not None:
            infos = [dataset.get_data_info(index) for index in range(len(dataset))]
            images = {os.path.relpath(info['img_path'], folder): dataset.CLASSES[info['gt_label']] for info in infos}
            _compare(facts, split, dict.fromkeys(dataset.CLASSES, 0) | Counter(images.values()), report)
            class_of |= images
    if class_of:
        if len(class_of) != facts.images:
            report.faults.append(f'all splits: {len(class_of)} different images, expected {facts.images}')
        report.faults += _labels_at_odds(class_of)
        faults = _image_faults(folder, class_of, open_images)
        report.faults += faults
        opened = f', {len(class_of) - len(faults)} opened without fault' if open_images else ''
        report.rows.append(f'all splits: {len(class_of)} different images{opened}')
    return report


def _load(type_name: str, folder: Path, split: Split, faults: list[str]) -> Any:
    """A split's dataset; None, and an entry in `faults`, if its lists cannot be used.

    Missing images do not stop it: they are looked for later, all of them at once.
    """
    cls = REGISTRY.get(type_name)
    lenient = type(cls.__name__, (cls,), {'_check_images': lambda self, names: None})
    try:
        return lenient(data_root=str(folder), serialize_data=False, **split.kwargs)
    except DataError as error:
        fault = str(error).partition(f' {cls.SOURCE}')[0]
        if fault not in faults:  # several splits can stumble over the same list
            faults.append(fault)
        return None


def _compare(facts: DatasetFacts, split: Split, counts: Mapping[str, int], report: DatasetReport) -> None:
    """Compare the number of images in each class with those expected of a split."""
    held = [count for count in counts.values() if count]
    report.rows.append(f'{split}: {sum(held)} images, {_span(min(held), max(held))} in each of {len(held)} classes')
    if sum(held) != split.images:
        report.faults.append(f'{split}: {sum(held)} images, expected {split.images}')
    empty = [name for name, count in counts.items() if not count]
    if empty:
        report.faults.append(
            f'{split}: no images of {len(empty)} of the {len(counts)} classes, the first is {empty[0]}. A folder with '
            f'a part of {facts.title} is used with metainfo=dict(classes=[...]), the names of its classes in order'
        )
    for name, count in counts.items():
        if count and not split.per_class[0] <= count <= split.per_class[1]:
            report.faults.append(f'{split}: {count} images of class {name}, expected {_span(*split.per_class)}')


def _span(fewest: int, most: int) -> str:
    return str(fewest) if fewest == most else f'{fewest} to {most}'


def _labels_at_odds(class_of: Mapping[str, str]) -> list[str]:
    """The images whose class is not that of most images in their folder, where there are folders of classes."""
    folders: dict[str, Counter[str]] = defaultdict(Counter)
    for image, name in class_of.items():
        folders[os.path.dirname(image)][name] += 1
    usual = {folder: names.most_common(1)[0][0] for folder, names in folders.items()} if len(folders) > 1 else {}
    return [
        f'{image}: labelled {name}, but most images of its folder {usual[os.path.dirname(image)]}'
        for image, name in class_of.items()
        if name != usual.get(os.path.dirname(image), name)
    ]


def _image_faults(folder: Path, images: Iterable[str], open_images: bool) -> list[str]:
    """The images that are missing and, where asked for, those that are damaged."""
    missing = set(missing_files(folder, images))
    faults = [f'{image}: missing' for image in images if image in missing]
    if open_images:
        for image in track([image for image in images if image not in missing], description='Opening the images'):
            fault = image_fault(folder / image)
            if fault:
                faults.append(f'{image}: {fault}')
    return faults
