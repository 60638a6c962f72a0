"""The same model, searched without codes."""

from mmpretrain.registry import MODELS
from torch import Tensor

from .quantized_retriever import QuantizedRetriever


@MODELS.register_module()
class ContinuousRetriever(QuantizedRetriever):
    """`QuantizedRetriever`, of the same weights, with a database that is not quantised: what the codes lose.

    Its database takes 64 times the memory of one of codes: `part_channels` floats in place of a byte.
    """

    def database_rows(self, parts: Tensor) -> Tensor:
        """The parts themselves, (N, M, d)."""
        return parts

    def scores(self, parts: Tensor) -> Tensor:
        """Inner products of queries (Q, M, d) with each image of the database: (Q, N), in [-M, M]."""
        return parts.flatten(1) @ self.prototype_vecs.flatten(1).T
