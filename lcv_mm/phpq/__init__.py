"""PHPQ, quoted in tables 1 and 3 of the paper: pyramid hybrid pooling and quantisation, for retrieval.

Nothing here is part of LCV, and nothing of LCV depends on it. `docs/phpq.md` says what of it was
read, what is inferred, and what is unknown.
"""

from .database_hook import DatabaseHook
from .metrics import ClassScoreAccuracy, RetrievalMAP, average_precision
from .pyramid_hybrid_pooling import PyramidHybridPooling
from .quantization_head import QuantizationHead
from .quantized_retriever import ContinuousRetriever, QuantizedRetriever

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
