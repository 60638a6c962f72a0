"""Datasets and the batch sampler."""

from .class_balanced_batch_sampler import ClassBalancedBatchSampler
from .data_check import check_data

__all__ = ['ClassBalancedBatchSampler', 'check_data']
