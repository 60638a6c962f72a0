"""Makes the folder of a dataset, or looks at the one that is there and lists all that is wrong with it."""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmpretrain.registry import DATASETS as REGISTRY
from rich.progress import track

from lcv_mm.datasets.birdlets import generate_birdlets
from lcv_mm.datasets.complete_folder import is_there, make_folder
from lcv_mm.datasets.image_file import image_fault, missing_files
from lcv_mm.errors import DataError

from .facts import DATASETS, Archive, DatasetFacts, Split
from .fetch import download, unpack


def prepare(
    names: Iterable[str],
    root: str | Path = 'data',
    archives: str | Path | None = None,
    check: bool = False,
    datasets: Mapping[str, DatasetFacts] = DATASETS,
) -> bool:
    """Make the folders of datasets unless they are there, and print what is in them.

    Archives are downloaded into `root/archives`. A dataset is unpacked into a hidden folder in `root`, which is renamed
    once it is complete; the next run finishes what one that was killed began. What fails with one dataset does not
    stop the others.

    Args:
        names (Iterable[str]): Keys of `datasets`, the known ones.
        root (str | Path): Folder of all data; may begin with `~`.
        archives (str | Path | None): Folder that holds the archives already; nothing is downloaded then.
        check (bool): Change nothing, only check what is there, opening each image.

    Returns:
        bool: Whether all of them are there, complete and intact.
    """
    root = Path(root).expanduser()
    source = Path(archives).expanduser() if archives is not None else None
    intact = True
    for name in names:
        facts = datasets[name]
        folder = root / facts.folder
        try:
            made = not check and _make(facts, folder, source)
            report = check_dataset(facts, folder, open_images=check or made)
        except (DataError, OSError) as error:
            problem = str(error)
            if isinstance(error, OSError):
                problem = f'{error.filename or folder}: {error.strerror or error}. Make room there, or name another '
                problem += 'folder with --root; then run the command again'
            print(f'error: {facts.title}: {problem}', file=sys.stderr, flush=True)
            intact = False
            continue
        if made or check or report.faults:
            print(report, flush=True)
        else:
            print(f'{facts.title} is there: {folder}, {facts.images} images. --check opens each of them.', flush=True)
        if report.faults:
            first = f'delete {folder} and ' * is_there(folder)
            print(f'To make it anew, {first}run this command without --check.', flush=True)
            intact = False
    return intact


def _make(facts: DatasetFacts, folder: Path, archives: Path | None) -> bool:
    """Make the folder of a dataset; False if it is there already."""
    if facts.archives:
        return make_folder(folder, lambda new: _fill(new, _files(facts, folder.parent, archives)))
    new = not is_there(folder)
    if new:
        generate_birdlets(folder)
    return new


def _fill(folder: Path, files: Mapping[Archive, Path]) -> None:
    """Unpack, or copy, each file into a new folder."""
    for archive, file in files.items():
        if archive.is_tar:
            unpack(file, folder, archive.inner)
        else:
            shutil.copyfile(file, folder / archive.name)


def _files(facts: DatasetFacts, root: Path, archives: Path | None) -> dict[Archive, Path]:
    """The archives, of the right size and MD5: from the user's folder or one within it, or else downloaded."""
    if archives is None:
        target = root / 'archives'
        print(f'{facts.title}: see {facts.page} for its terms of use. Its archives go to {target}', flush=True)
        return {archive: download(archive, target / facts.folder) for archive in facts.archives}
    files = {}
    for archive in facts.archives:
        places = [archives / archive.name, archives / facts.folder / archive.name]
        file = next((place for place in places if place.is_file()), None)
        if file is None:
            expected = ', '.join(archive.name for archive in facts.archives)
            raise DataError(f'{archives} holds no {archive.name}; expected: {expected}. They come from {facts.page}')
        fault = archive.fault_of(file)
        if fault is not None:
            raise DataError(f'{file} is not the right file: {fault}. It was left as it is; get it again')
        files[archive] = file
    return files


@dataclass
class DatasetReport:
    """What a folder holds."""

    title: str  # the dataset
    folder: Path
    rows: list[str] = field(default_factory=list)  # what was counted, a line each
    faults: list[str] = field(default_factory=list)  # what is wrong, with the file or split; none of a complete dataset

    def __str__(self) -> str:
        count = f'{len(self.faults)} fault{"s" * (len(self.faults) != 1)}:' if self.faults else 'no fault'
        lines = [*self.rows, count, *(f'- {fault}' for fault in self.faults)]
        return '\n'.join([f'{self.title} in {self.folder}', *(f'  {line}' for line in lines)])


def check_dataset(facts: DatasetFacts, folder: Path, open_images: bool = True) -> DatasetReport:
    """Load each split by the dataset's own code, count it, and look at its images.

    `open_images` decodes each (a minute or so), in place of only seeing that it is there. Faults are lists that cannot
    be used, counts that are off, images that are missing or damaged.
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
            _compare(split, dict.fromkeys(dataset.CLASSES, 0) | Counter(images.values()), report)
            class_of |= images
    if class_of:
        if len(class_of) != facts.images:
            report.faults.append(f'all splits: {len(class_of)} different images, expected {facts.images}')
        missing = set(missing_files(folder, class_of))
        faults = [f'{image}: missing' for image in class_of if image in missing]
        if open_images:
            for image in track([image for image in class_of if image not in missing], description='Opening the images'):
                fault = image_fault(folder / image)
                faults += [f'{image}: {fault}'] if fault else []
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


def _compare(split: Split, counts: Mapping[str, int], report: DatasetReport) -> None:
    """Compare the number of images in each class with those expected of a split."""
    held = [count for count in counts.values() if count]
    report.rows.append(f'{split}: {sum(held)} images, {_span(min(held), max(held))} in each of {len(held)} classes')
    if sum(held) != split.images:
        report.faults.append(f'{split}: {sum(held)} images, expected {split.images}')
    fewest, most = split.per_class
    off = [name for name, count in counts.items() if not fewest <= count <= most]
    if off:
        others = f' (the first of {len(off)} such classes)' * (len(off) > 1)
        report.faults.append(
            f'{split}: {counts[off[0]]} images of class {off[0]}, expected {_span(fewest, most)}{others}'
        )


def _span(fewest: int, most: int) -> str:
    return str(fewest) if fewest == most else f'{fewest} to {most}'
