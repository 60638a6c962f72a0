"""Make the folder of a dataset, or list the faults of an existing one."""

import os
import shutil
import sys
import tarfile
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from mmpretrain.registry import DATASETS
from rich.console import Console
from rich.progress import track
from torchvision.datasets.utils import check_md5, download_url

from ..datasets.birdlets.dataset import is_there, make_folder
from ..datasets.image_file import image_error
from ..errors import DataError
from .facts import DATASET_INFO, Archive, DatasetInfo


def prepare(
    names: Iterable[str],
    root: str | Path = 'data',
    archives: str | Path | None = None,
    check: bool = False,
    datasets: Mapping[str, DatasetInfo] = DATASET_INFO,
) -> bool:
    """Make the folders of datasets unless they exist, and print their contents.

    Archives are downloaded into `root/archives`. A dataset is unpacked into a hidden folder in `root`, which is renamed
    once it is complete. If one dataset fails, the others are still prepared.

    Args:
        names (Iterable[str]): Keys of `datasets`.
        root (str | Path): Folder of all data; may begin with `~`. Defaults to 'data'.
        archives (str | Path, optional): Folder with the archives. If given, nothing is downloaded.
        check (bool): Change nothing; only check existing data by opening each image. Defaults to False.
        datasets (Mapping[str, DatasetInfo]): What is known of each. Defaults to `DATASET_INFO`.

    Returns:
        bool: Whether all datasets are complete and intact.
    """
    root = Path(root).expanduser()
    source = None if archives is None else Path(archives).expanduser()
    intact = True
    for name in names:
        info = datasets[name]
        folder = root / info.folder
        try:
            made = not check and make_folder(folder, partial(_fill, info, root, source))
            faults = check_dataset(info, folder, open_images=check or made)
        except (DataError, OSError) as error:
            print(f'error: {info.title}: {error}', file=sys.stderr, flush=True)
            intact = False
            continue
        count = f'{len(faults)} fault{"s" * (len(faults) > 1)}:' if faults else 'no fault'
        print('\n'.join([f'  {count}', *(f'  - {fault}' for fault in faults)]), flush=True)
        if faults:
            first = f'delete {folder} and ' * is_there(folder)
            print(f'To prepare it again, {first}run this command without --check.', flush=True)
            intact = False
        else:
            print(f'{info.title} is ready: train on it with a config that configs/README.md lists.', flush=True)
    return intact


def check_dataset(info: DatasetInfo, folder: Path, open_images: bool = True) -> list[str]:
    """Read the lists of each split with the dataset's own code, print the counts, and check the images.

    With `open_images`, each image is decoded, which takes about a minute, instead of only checked to exist. Returns all
    faults: unusable lists, wrong counts, missing or damaged images.
    """
    print(f'{info.title} in {folder}', flush=True)
    faults: list[str] = []
    files: dict[str, None] = {}  # of all splits, each once
    for split in info.splits:
        dataset = DATASETS.get(info.type)(data_root=str(folder), lazy_init=True, **split.kwargs)
        try:
            images = dataset.read_lists()
        except DataError as error:
            faults.append(str(error).partition(f' {dataset.SOURCE}')[0])
            continue
        files |= dict.fromkeys(image['img_path'] for image in images)
        print(f'  {split}: {len(images)} images', flush=True)
        if len(images) != split.images:
            faults.append(f'{split}: {len(images)} images, expected {split.images}')
    if files and len(files) != info.images:
        faults.append(f'all splits: {len(files)} different images, expected {info.images}')
    check = image_error if open_images else _missing
    for file in track(files, 'Checking the images', console=Console(stderr=True)):
        if fault := check(file):
            faults.append(f'{os.path.relpath(file, folder)}: {fault}')
    return list(dict.fromkeys(faults))  # several splits can report the same list


def _missing(file: str) -> str | None:
    return None if os.path.isfile(file) else 'missing'


def _fill(info: DatasetInfo, root: Path, archives: Path | None, folder: Path) -> None:
    """Unpack, or copy, each archive into a new folder."""
    for archive in info.archives:
        file = _download(archive, info, root) if archives is None else _find(archive, info, archives)
        if not tarfile.is_tarfile(file):
            shutil.copyfile(file, folder / archive.name)
            continue
        print(f'Unpacking {file}', flush=True)
        with tarfile.open(file) as tar:
            tar.extraction_filter = getattr(tarfile, 'data_filter', None)  # Python 3.10.11 and 3.11.3 have none
            for member in tar:
                if member.name.startswith(archive.inner):
                    member.name = member.name.removeprefix(archive.inner)
                    tar.extract(member, folder)


def _download(archive: Archive, info: DatasetInfo, root: Path) -> Path:
    """The archive in `root/archives`, downloaded unless it exists with the right MD5."""
    folder = root / 'archives' / info.folder
    print(f'{info.title}: see {info.page} for its terms of use. Its archives go to {folder}', flush=True)
    try:
        download_url(archive.url, folder, md5=archive.md5)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f'{archive.url}: {error}. Run the command again, or get {archive.name} (MD5 {archive.md5}) by other means '
            'and name its folder with --archives'
        ) from error
    return folder / archive.name


def _find(archive: Archive, info: DatasetInfo, folder: Path) -> Path:
    """The archive in the user's folder, or in its subfolder with the dataset's name."""
    for file in (folder / archive.name, folder / info.folder / archive.name):
        if file.is_file():
            if not check_md5(file, archive.md5):
                raise DataError(f'{file} is not the right file: expected one with the MD5 {archive.md5}')
            return file
    expected = ', '.join(archive.name for archive in info.archives)
    raise DataError(f'{folder} does not contain {archive.name}; expected: {expected}. They come from {info.page}')
