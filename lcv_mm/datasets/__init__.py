"""Datasets and the batch sampler."""

from .birdlets import Birdlets
from .class_balanced_batch_sampler import ClassBalancedBatchSampler
from .cub200 import CUB200
from .data_check import check_data

__all__ = ['CUB200', 'Birdlets', 'ClassBalancedBatchSampler', 'check_data']
