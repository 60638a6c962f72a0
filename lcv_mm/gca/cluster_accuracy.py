"""Clustering accuracy."""

from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmpretrain.registry import METRICS
from scipy.optimize import linear_sum_assignment

from ..errors import ConfigError


@METRICS.register_module()
class ClusterAccuracy(BaseMetric):
    """Clustering accuracy of all images ("All"), known classes ("Old") and novel classes ("New"), in per cent.

    Clusters are matched to classes once, over all images; Old and New use the same matching (Vaze et al., CVPR 2022).
    This is not top-1 accuracy. The dataset, a `CategoryDiscovery`, defines the known classes.

    Examples:
        >>> metric = ClusterAccuracy()
        >>> metric.dataset_meta = dict(num_known=1)
        >>> metric.process({}, [dict(pred_label=1, gt_label=0), dict(pred_label=0, gt_label=1)])
        >>> metric.evaluate(2)['cluster_accuracy/All']
        100.0
    """

    default_prefix = 'cluster_accuracy'

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep cluster and class of each image."""
        self.results += [(int(sample['pred_label']), int(sample['gt_label'])) for sample in data_samples]

    def compute_metrics(self, results: list[tuple[int, int]]) -> dict[str, float]:
        """Compute All, Old and New."""
        clusters, labels = np.array(results).T
        return cluster_accuracy(clusters, labels, self.dataset_meta['num_known'])


def cluster_accuracy(clusters: np.ndarray, labels: np.ndarray, num_known: int) -> dict[str, float]:
    """Accuracy after the best one-to-one matching of clusters and classes (Hungarian algorithm).

    Args:
        clusters (np.ndarray): (N,), the cluster of each image, from 0.
        labels (np.ndarray): (N,), the class of each image, from 0, with the known classes first.
        num_known (int): Number of known classes.

    Returns:
        dict[str, float]: 'All', 'Old' and 'New' in per cent; NaN if there is no such image.

    Raises:
        ConfigError: If an image has no label.

    Examples:
        >>> cluster_accuracy(np.array([5, 5, 3, 3]), np.array([0, 0, 1, 0]), num_known=1)['All']
        75.0
    """
    if (labels < 0).any():
        raise ConfigError("ClusterAccuracy: an image has the label -1; use CategoryDiscovery(subset='unlabelled')")
    size = int(max(clusters.max(), labels.max())) + 1
    counts = np.zeros((size, size), dtype=np.int64)
    np.add.at(counts, (clusters, labels), 1)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    right = columns[np.argsort(rows)][clusters] == labels
    known = labels < num_known
    parts = dict(All=np.ones_like(known), Old=known, New=~known)
    return {name: 100 * float(right[part].mean()) if part.any() else float('nan') for name, part in parts.items()}
