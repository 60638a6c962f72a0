"""A PHPQ-like model (Zeng et al., 2024), quoted in tables 1 and 3 of the paper: see docs/quoted.md.

Nothing else depends on this subpackage.
"""

from .class_score_accuracy import ClassScoreAccuracy
from .continuous_retriever import ContinuousRetriever
from .database_hook import DatabaseHook
from .pyramid_hybrid_pooling import PyramidHybridPooling
from .quantization_head import QuantizationHead
from .quantized_retriever import QuantizedRetriever
from .retrieval_map import RetrievalMAP, average_precision

__all__ = [
    'ClassScoreAccuracy',
    'ContinuousRetriever',
    'DatabaseHook',
    'PyramidHybridPooling',
    'QuantizationHead',
    'QuantizedRetriever',
    'RetrievalMAP',
    'average_precision',
]
