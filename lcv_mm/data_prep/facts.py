"""Facts about the datasets: archives, folders and image counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Archive:
    """A file to download."""

    url: str  # its last part is the file's name
    md5: str  # 32 hexadecimal digits
    inner: str = ''  # of a tar file: unpack only this folder, with a final '/'; '' for all

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rpartition('/')[2]


@dataclass(frozen=True)
class Split:
    """A split of a dataset and its expected size."""

    kwargs: Mapping[str, Any]  # the arguments of the dataset's class that select it
    images: int  # number of images

    def __str__(self) -> str:
        """Such as `split train, fold 1`."""
        return ', '.join(f'{key} {value}' for key, value in self.kwargs.items())


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset."""

    title: str  # its common name
    type: str  # the registered class that reads it
    folder: str  # its folder in the root of all data
    images: int  # number of different images in all splits together
    splits: tuple[Split, ...]
    page: str  # a page about it with its terms of use
    archives: tuple[Archive, ...]


_CALTECH = 'https://data.caltech.edu/records/65de6-vp158'
_CUB = 'CUB_200_2011'
_STANFORD = 'http://vision.stanford.edu/aditya86/ImageNetDogs'
_OXFORD = 'https://www.robots.ox.ac.uk/~vgg/data/flowers/17'

DATASET_INFO = {
    'cub': DatasetInfo(
        'CUB-200-2011',
        type='CUB200',
        folder=_CUB,
        images=11788,
        splits=(Split({'split': 'train'}, 5994), Split({'split': 'test'}, 5794)),
        page=_CALTECH,
        archives=(Archive(f'{_CALTECH}/files/{_CUB}.tgz', '97eceeb196236b17998738112f37df78', f'{_CUB}/'),),
    ),
    'dogs': DatasetInfo(
        'Stanford Dogs',
        type='StanfordDogs',
        folder='stanford_dogs',
        images=20580,
        splits=(Split({'split': 'train'}, 12000), Split({'split': 'test'}, 8580)),
        page=f'{_STANFORD}/',
        archives=(
            Archive(f'{_STANFORD}/images.tar', md5='1bb1f2a596ae7057f99d7d75860002ef'),
            Archive(f'{_STANFORD}/lists.tar', md5='edbb9f16854ec66506b5f09b583e0656'),
        ),
    ),
    'flower17': DatasetInfo(
        'Oxford-Flower-17',
        type='OxfordFlower17',
        folder='oxford_flower17',
        images=1360,
        splits=tuple(Split({'split': split, 'fold': fold}, 680) for fold in (1, 2, 3) for split in ('train', 'test')),
        page=f'{_OXFORD}/',
        archives=(
            Archive(f'{_OXFORD}/17flowers.tgz', md5='b59a65d8d1a99cd66944d474e1289eab'),
            Archive(f'{_OXFORD}/datasplits.mat', md5='4828cddfd0d803c5abbdebcb1e148a1e'),
        ),
    ),
}
