"""The mathematics: plain functions of tensors that need only torch."""

from .attention import residual_attention
from .bilinear import bilinear_pool, normalized_signed_sqrt, signed_sqrt
from .class_variance import class_variance, pairwise_distance
from .covariance import covariance_pool, matrix_sqrt, upper_triangle
from .gather import gather_rows
from .hierarchical import hadamard_bilinear_pool, hierarchical_bilinear_pool, random_maclaurin_pool
from .tensor_sketch import tensor_sketch_pool

__all__ = [
    'bilinear_pool',
    'class_variance',
    'covariance_pool',
    'gather_rows',
    'hadamard_bilinear_pool',
    'hierarchical_bilinear_pool',
    'matrix_sqrt',
    'normalized_signed_sqrt',
    'pairwise_distance',
    'random_maclaurin_pool',
    'residual_attention',
    'signed_sqrt',
    'tensor_sketch_pool',
    'upper_triangle',
]
