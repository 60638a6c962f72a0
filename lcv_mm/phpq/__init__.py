"""PHPQ, quoted in tables 1 and 3 of the paper: pyramid hybrid pooling and quantisation, for retrieval.

A room of its own: nothing here is part of LCV, and nothing of LCV depends on it. `docs/phpq.md` says what of it was
read, what is inferred, and what is unknown.
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
