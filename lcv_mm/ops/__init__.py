"""The mathematics: plain functions of tensors that need only torch."""

# ruff: noqa: F401 (the names that the package offers)
from .attention import residual_attention
from .bilinear import bilinear_pool, normalized_signed_sqrt, signed_sqrt
from .class_variance import class_variance, pairwise_distance
from .covariance import covariance_pool, matrix_sqrt, upper_triangle
from .gather import gather_rows
from .hierarchical import hadamard_bilinear_pool, hierarchical_bilinear_pool, random_maclaurin_pool
from .tensor_sketch import tensor_sketch_pool
