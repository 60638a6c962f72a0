"""Datasets and the batch sampler."""

from mmpretrain.registry import DATA_SAMPLERS

from ..class_balanced_batch_sampler import ClassBalancedBatchSampler, dataset_labels
from .birdlets import Birdlets
from .cub200 import CUB200
from .image_folder import ImageFolder
from .oxford_flower17 import OxfordFlower17
from .stanford_dogs import StanfordDogs

DATA_SAMPLERS.register_module(module=ClassBalancedBatchSampler)  # registered here: the sampler itself needs only torch

__all__ = [
    'CUB200',
    'Birdlets',
    'ClassBalancedBatchSampler',
    'ImageFolder',
    'OxfordFlower17',
    'StanfordDogs',
    'dataset_labels',
]
