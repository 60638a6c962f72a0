"""Top-1 accuracy of a retriever that classifies, too."""

from collections.abc import Sequence

from mmpretrain.evaluation import Accuracy
from mmpretrain.registry import METRICS


@METRICS.register_module()
class ClassScoreAccuracy(Accuracy):
    """MMPretrain's `Accuracy`, of the same arguments and keys, on the `class_score` of each image.

    The `pred_score` of a retriever belongs to the images of its database, not to classes.
    """

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep class scores and label of each image of a batch."""
        super().process(data_batch, [dict(pred_score=s['class_score'], gt_label=s['gt_label']) for s in data_samples])
