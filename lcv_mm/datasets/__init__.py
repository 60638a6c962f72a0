"""Datasets and the batch sampler."""

# ruff: noqa: F401 (the names that the package offers)
from mmpretrain.registry import DATA_SAMPLERS

from ..class_balanced_batch_sampler import ClassBalancedBatchSampler
from ..dataset_labels import dataset_labels
from .birdlets import Birdlets
from .cub200 import CUB200
from .image_folder import ImageFolder
from .oxford_flower17 import OxfordFlower17
from .stanford_dogs import StanfordDogs

DATA_SAMPLERS.register_module(module=ClassBalancedBatchSampler)  # registered here: the sampler itself needs only torch
