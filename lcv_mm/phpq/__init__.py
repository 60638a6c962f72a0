"""A model like PHPQ (Zeng et al., 2024), which the paper quotes in Tables 1 and 3: see docs/quoted.md.

Nothing else depends on this package.
"""

# ruff: noqa: F401 (the names that the package offers)
from .metrics import ClassScoreAccuracy, RetrievalMAP, average_precision
from .pyramid_hybrid_pooling import PyramidHybridPooling
from .quantization_head import QuantizationHead
from .quantized_retriever import ContinuousRetriever, DatabaseHook, QuantizedRetriever
