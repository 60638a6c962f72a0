"""Distances within and between classes over all images, and retrieval of classes by the features."""

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmpretrain.registry import METRICS
from torch import Tensor
from torch.nn.functional import normalize

BLOCK = 2**21  # entries of a block of distances: 16 MB in float64


@METRICS.register_module()
class ClassVarianceMetric(BaseMetric):
    """Measures what the class-variance loss aims at, over all images: `feature_quality` of the pooled features.

    `PooledFeatureHook` adds the features to the data samples, for any classifier:

        custom_hooks = [dict(type=PooledFeatureHook)]
        val_evaluator = [dict(type=Accuracy), dict(type=ClassVarianceMetric)]

    The `dist_inter` and `dist_intra` of the training log differ: they are taken within a batch, on unpooled maps.

    Examples:
        >>> metric = ClassVarianceMetric()
        >>> metric.process({}, [dict(pooled_feat=torch.tensor([0.6, 0.8]), gt_label=1)])
        >>> metric.results  # of which `metric.evaluate` computes the distances
        [(array([0.6, 0.8], dtype=float32), 1)]
    """

    default_prefix = 'class_variance'

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep the feature and the class of each image."""
        for sample in data_samples:
            self.results.append((sample['pooled_feat'].cpu().numpy(), int(sample['gt_label'])))

    def compute_metrics(self, results: list[tuple[np.ndarray, int]]) -> dict[str, float]:
        """Compute the five metrics."""
        feats, labels = zip(*results, strict=True)
        alone = int((np.unique(labels, return_counts=True)[1] == 1).sum())
        print_log(f'Recall@1 and mAP: {alone} of {len(labels)} queries have no relevant image, left out', 'current')
        return feature_quality(torch.from_numpy(np.stack(feats)), torch.tensor(labels))


def feature_quality(feats: Tensor, labels: Tensor, block: int = BLOCK) -> dict[str, float]:
    """Distances and retrieval of features scaled to unit length, with every image as the query for all others.

    Images at equal distance from the query count equally, whatever their order. Recall@1 of a query is the share of
    its class among its nearest images. The precision at an image of the ranking is that of all images up to its
    distance, as in scikit-learn's `average_precision_score`. An image that is alone in its class is not a query. The
    N x N distances are computed in float64, some rows at a time.

    Args:
        feats (Tensor): (N, C), one row per image.
        labels (Tensor): (N,), class indices.
        block (int): Number of distances in memory at a time, at least one row of N. Defaults to 2^21, 16 MiB.

    Returns:
        dict[str, float]: `dist_intra` and `dist_inter`, the mean Euclidean distances over all same-class pairs and all
        different-class pairs, in [0, 2]; `ratio`, the first divided by the second; `Recall@1` and `mAP`, the means over
        the queries, in per cent. NaN if there is no such pair; all are NaN if a feature is not finite.

    Examples:
        >>> feats = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
        >>> feature_quality(feats, torch.tensor([0, 0, 1, 0]))['Recall@1']
        66.66666666666667
    """
    feats = normalize(feats.double(), eps=1e-24)
    lengths = feats.square().sum(1)
    totals = torch.zeros(6, dtype=torch.float64)  # distances within and between, their pairs; recall and AP
    queries = 0
    for rows in torch.arange(len(feats)).split(max(1, block // len(feats))):
        squared = (lengths[rows, None] + lengths - 2 * feats[rows] @ feats.T).clamp(min=0)
        itself = rows[:, None] == torch.arange(len(feats))
        same = (labels[rows, None] == labels) & ~itself
        different = labels[rows, None] != labels
        distance = squared.round(decimals=14).sqrt()  # the precision of float64: equal features have distance 0
        totals[:2] += torch.stack([(distance * same).sum(), (distance * different).sum()])
        totals[2:4] += torch.stack([same.sum(), different.sum()])

        query = same.any(1)
        queries += int(query.sum())
        # rounded again: the order of summation must not decide between two copies of an image
        ranked, order = squared.round(decimals=12).masked_fill(itself, torch.inf)[query].sort(1)
        hits = same[query].gather(1, order).double()
        # the last rank among images at equal distance
        last = torch.searchsorted(ranked, ranked, right=True) - 1
        precision = (hits.cumsum(1) / torch.arange(1, len(feats) + 1)).gather(1, last)  # (Q, N)
        totals[4:] += torch.stack([precision[:, 0].sum(), ((precision * hits).sum(1) / hits.sum(1)).sum()])
    totals[4:] += 0 * totals[:2].sum()  # NaN distances give no valid ranking
    intra, inter = (totals[:2] / totals[2:4]).tolist()
    recall, mean_precision = (100 * totals[4:] / queries).tolist()
    return {
        'dist_intra': intra,
        'dist_inter': inter,
        'ratio': intra / inter if inter else float('nan'),
        'Recall@1': recall,
        'mAP': mean_precision,
    }
