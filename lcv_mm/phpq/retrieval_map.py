"""Mean average precision over the whole ranking of a database."""

from collections.abc import Sequence

import torch
from mmengine.evaluator import BaseMetric
from mmpretrain.registry import METRICS
from torch import Tensor


def average_precision(hits: Tensor) -> Tensor:
    """Average precision of rankings: the mean, over the relevant items, of the precision at their ranks.

    Args:
        hits (Tensor): (Q, N), whether the item at each rank is relevant, the best rank first.

    Returns:
        Tensor: (Q,), float64 in [0, 1]; 0 where nothing is relevant.
    """
    hits = hits.double()
    precision = hits.cumsum(-1) / torch.arange(1, hits.shape[-1] + 1, device=hits.device)
    return (precision * hits).sum(-1) / hits.sum(-1).clamp(min=1)


@METRICS.register_module()
class RetrievalMAP(BaseMetric):
    """Retrieval mAP in per cent, over the whole ranking: `retrieval/mAP`. Not an accuracy, and not to compare with one.

    The result equals that of MMPretrain's `RetrievalAveragePrecision` with `topk` the size of the database, which need
    not be known here. Read are `pred_label`, the order of the database, and `gt_score`, what of it is relevant.

    Args:
        collect_device (str): 'cpu' or 'gpu'.
        prefix (str, optional): In place of 'retrieval'.
    """

    default_prefix = 'retrieval'

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep the average precision of each query of a batch, not its ranking."""
        for sample in data_samples:
            self.results.append(float(average_precision(sample['gt_score'][sample['pred_label']])))

    def compute_metrics(self, results: list[float]) -> dict[str, float]:
        """The mean over all queries."""
        return dict(mAP=100 * sum(results) / len(results))
