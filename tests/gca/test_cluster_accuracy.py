import itertools

import numpy as np
import pytest
import torch

from lcv_mm.gca import ClusterAccuracy
from lcv_mm.gca.cluster_accuracy import cluster_accuracy


@pytest.mark.parametrize('seed', range(4))
def test_the_matching_is_the_best_of_all_permutations(seed):
    rng = np.random.default_rng(seed)
    labels, clusters = rng.integers(5, size=30), rng.integers(5, size=30)
    best = max(np.mean(np.array(order)[clusters] == labels) for order in itertools.permutations(range(5)))
    assert cluster_accuracy(clusters, labels, 2)['All'] == pytest.approx(100 * best)


def test_old_and_new_come_from_one_matching():
    """Cluster 0 holds three images of class 0 (old) and four of class 1 (new): it goes to class 1, and Old is 0.

    With a matching of their own the old images would be all right.
    """
    clusters, labels = np.array([0] * 7), np.array([0] * 3 + [1] * 4)
    assert cluster_accuracy(clusters, labels, 1) == dict(All=pytest.approx(400 / 7), Old=0.0, New=100.0)


def test_the_metric_has_the_keys_of_the_table():
    metric = ClusterAccuracy()
    metric.dataset_meta = dict(num_known=1)
    samples = [dict(pred_label=torch.tensor([2]), gt_label=torch.tensor([label])) for label in (0, 0, 1)]
    metric.process({}, samples)
    found = metric.evaluate(3)
    assert found == {
        'cluster_accuracy/All': pytest.approx(200 / 3),
        'cluster_accuracy/Old': 100.0,
        'cluster_accuracy/New': 0.0,
    }
