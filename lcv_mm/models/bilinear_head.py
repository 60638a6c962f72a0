"""The base of the bilinear heads: float32 features meet a classifier of any precision."""

from mmpretrain.models import LinearClsHead
from torch import Tensor


class BilinearHead(LinearClsHead):
    """A linear classifier on pooled features, which `pre_logits` gives in float32 or float64 whatever the maps are."""

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Compute the scores (N, num_classes) of feature maps, in the type of the classifier's weights."""
        pooled = self.pre_logits(feats)
        weight = self.fc.weight
        if isinstance(weight, Tensor) and weight.is_floating_point():  # a quantised classifier takes float32
            pooled = pooled.to(weight.dtype)
        return self.fc(pooled)
