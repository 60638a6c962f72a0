"""Stanford Dogs with a check of the files before they are used."""

import os
from typing import Any

import numpy as np
from mmpretrain.datasets import BaseDataset
from mmpretrain.registry import DATASETS

from .layout import ELSEWHERE, ArchiveLayout

# In the order of the folders, n02085620-Chihuahua to n02116738-African_hunting_dog: those of ImageNet's wild and
# domestic dogs, without the dalmatian.
BREED_NAMES = """
Chihuahua Japanese_spaniel Maltese_dog Pekinese Shih-Tzu Blenheim_spaniel papillon toy_terrier Rhodesian_ridgeback
Afghan_hound basset beagle bloodhound bluetick black-and-tan_coonhound Walker_hound English_foxhound redbone borzoi
Irish_wolfhound Italian_greyhound whippet Ibizan_hound Norwegian_elkhound otterhound Saluki Scottish_deerhound
Weimaraner Staffordshire_bullterrier American_Staffordshire_terrier Bedlington_terrier Border_terrier
Kerry_blue_terrier Irish_terrier Norfolk_terrier Norwich_terrier Yorkshire_terrier wire-haired_fox_terrier
Lakeland_terrier Sealyham_terrier Airedale cairn Australian_terrier Dandie_Dinmont Boston_bull miniature_schnauzer
giant_schnauzer standard_schnauzer Scotch_terrier Tibetan_terrier silky_terrier soft-coated_wheaten_terrier
West_Highland_white_terrier Lhasa flat-coated_retriever curly-coated_retriever golden_retriever Labrador_retriever
Chesapeake_Bay_retriever German_short-haired_pointer vizsla English_setter Irish_setter Gordon_setter
Brittany_spaniel clumber English_springer Welsh_springer_spaniel cocker_spaniel Sussex_spaniel Irish_water_spaniel
kuvasz schipperke groenendael malinois briard kelpie komondor Old_English_sheepdog Shetland_sheepdog collie
Border_collie Bouvier_des_Flandres Rottweiler German_shepherd Doberman miniature_pinscher
Greater_Swiss_Mountain_dog Bernese_mountain_dog Appenzeller EntleBucher boxer bull_mastiff Tibetan_mastiff
French_bulldog Great_Dane Saint_Bernard Eskimo_dog malamute Siberian_husky affenpinscher basenji pug Leonberg
Newfoundland Great_Pyrenees Samoyed Pomeranian chow keeshond Brabancon_griffon Pembroke Cardigan toy_poodle
miniature_poodle standard_poodle Mexican_hairless dingo dhole African_hunting_dog
"""


@DATASETS.register_module()
class StanfordDogs(ArchiveLayout, BaseDataset):
    """Stanford Dogs, 20580 images of 120 breeds from ImageNet, in the layout of its archives.

    `images.tar` and `lists.tar` (vision.stanford.edu/aditya86/ImageNetDogs), unpacked into one folder: ::

        stanford_dogs
        ├── Images
        │   ├── n02085620-Chihuahua
        │   │   ├── n02085620_10074.jpg
        │   │   └── ...
        │   ├── ...
        │   └── n02116738-African_hunting_dog
        ├── train_list.mat
        ├── test_list.mat
        └── ...

    Labels are from 0 in the order of the folders' names; a class is named as its folder. One image,
    `n02105855_2933.jpg`, is a PNG with 4 channels, of which `LoadImageFromFile` keeps 3.

    Args:
        data_root (str): The local folder that holds `Images/`, `train_list.mat` and `test_list.mat`; may begin
            with `~`.
        split (str): 'train' (12000 images) or 'test' (8580 images).
        **kwargs: As MMPretrain's `BaseDataset` has them.

    Raises:
        ConfigError: If `split` is neither.
        DataError: If a file is missing or the lists are damaged.

    Examples:
        >>> from lcv_mm.datasets import StanfordDogs
        >>> StanfordDogs(data_root='data/stanford_dogs', split='train')  # doctest: +SKIP
        Dataset StanfordDogs
            Number of samples:  12000
            Number of categories:       120
            Root of dataset:    data/stanford_dogs
            Split:      train
    """

    METAINFO = {'classes': tuple(BREED_NAMES.split())}
    SOURCE = 'They come from the archives images.tar and lists.tar (vision.stanford.edu/aditya86/ImageNetDogs).'
    REMEDY = (
        'Run `python tools/prepare_data.py dogs`, or unpack both so that {root}/Images and '
        '{root}/train_list.mat exist, ' + ELSEWHERE
    )
    FOLDER = 'Images'
    LISTS = ('train_list.mat', 'test_list.mat')

    def __init__(self, data_root: str, split: str = 'train', **kwargs: Any) -> None:
        self._check_choice('split', split, ('train', 'test'))
        kwargs.setdefault('test_mode', split == 'test')
        self.split = split
        super().__init__(
            data_root=os.path.expanduser(data_root), ann_file=f'{split}_list.mat', data_prefix=self.FOLDER, **kwargs
        )

    def _read_split(self) -> tuple[list[str], list[int]]:
        name = f'{self.split}_list.mat'
        held = self._read_mat(name, ('file_list', 'labels'))
        labels = self._whole_numbers(name, held['labels'], len(self.metainfo['classes']))
        images = [str(np.squeeze(cell)) for cell in held['file_list']]
        if len(images) != len(labels):
            raise self._error(f'{name} has {len(images)} images and {len(labels)} labels')
        return images, [label - 1 for label in labels]
