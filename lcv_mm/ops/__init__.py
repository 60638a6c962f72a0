"""The mathematics: plain functions of tensors, free of MMPretrain."""

from .attention import residual_attention
from .class_variance import class_variance
from .distance import pairwise_distance
from .signed_sqrt import signed_sqrt
from .tensor_sketch import tensor_sketch_pool

__all__ = ['class_variance', 'pairwise_distance', 'residual_attention', 'signed_sqrt', 'tensor_sketch_pool']
