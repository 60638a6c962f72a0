"""Makes the folder of a dataset, or checks the one that is there."""

import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from lcv_mm.datasets.birdlets import generate_birdlets
from lcv_mm.datasets.complete_folder import is_there, make_folder
from lcv_mm.errors import DataError

from .facts import DATASETS, Archive, DatasetFacts
from .fetch import download, unpack
from .report import check_dataset


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
