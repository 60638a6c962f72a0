"""Mean average precision over the full ranking of a database, and the accuracy of a retriever's class scores."""

from collections.abc import Sequence

import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmpretrain.evaluation import Accuracy
from mmpretrain.registry import METRICS
from torch import Tensor


def average_precision(hits: Tensor) -> Tensor:
    """Average precision of rankings: the mean precision at the ranks of the relevant items.

    Args:
        hits (Tensor): (Q, N), whether the item at each rank is relevant, best rank first.

    Returns:
        Tensor: (Q,), float64 in [0, 1], on the CPU; NaN if nothing is relevant.

    Examples:
        >>> average_precision(torch.tensor([[True, False, False, True]]))  # (1 / 1 + 2 / 4) / 2
        tensor([0.7500], dtype=torch.float64)
    """
    hits = hits.cpu().double()
    precision = hits.cumsum(-1) / torch.arange(1, hits.shape[-1] + 1)
    return (precision * hits).sum(-1) / hits.sum(-1)


@METRICS.register_module()
class RetrievalMAP(BaseMetric):
    """Retrieval mAP in per cent, over the full ranking: `retrieval/mAP`. It is not an accuracy.

    Queries without a relevant image in the database are left out, as in `ClassVarianceMetric`; the log gives their
    number. The result equals that of MMPretrain's `RetrievalAveragePrecision` with `topk` set to the size of the
    database. The metric reads `pred_label` (the order of the database) and `gt_score` (the relevant images).

    Examples:
        >>> metric = RetrievalMAP()
        >>> metric.process({}, [dict(gt_score=torch.tensor([1, 0, 0]), pred_label=torch.tensor([1, 0, 2]))])
        >>> metric.results  # the average precision of each query, and whether it counts
        [(0.5, True)]
    """

    default_prefix = 'retrieval'

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep the average precision of each query of a batch, not its ranking."""
        for sample in data_samples:
            hits = sample['gt_score'][sample['pred_label']]
            self.results.append((float(average_precision(hits)), bool(hits.any())))

    def compute_metrics(self, results: list[tuple[float, bool]]) -> dict[str, float]:
        """The mean over the queries with a relevant image; NaN if there are none."""
        precisions = [precision for precision, is_query in results if is_query]
        alone = len(results) - len(precisions)
        print_log(f'mAP: {alone} of {len(results)} queries have no relevant image, left out', 'current')
        return dict(mAP=100 * sum(precisions) / len(precisions) if precisions else float('nan'))


@METRICS.register_module()
class ClassScoreAccuracy(Accuracy):
    """MMPretrain's `Accuracy` on the `class_score` of each image, with the same arguments and keys.

    The `pred_score` of a retriever belongs to the images of its database, not to classes.

    Examples:
        >>> metric = ClassScoreAccuracy(topk=1)
        >>> metric.process({}, [dict(class_score=torch.tensor([0.2, 0.8]), gt_label=torch.tensor([1]))])
        >>> metric.evaluate(1)
        {'accuracy/top1': 100.0}
    """

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep the class scores and label of each image of a batch."""
        super().process(data_batch, [dict(pred_score=s['class_score'], gt_label=s['gt_label']) for s in data_samples])
