import itertools

import numpy as np
import pytest
import torch

from lcv_mm.errors import ConfigError
from lcv_mm.gca import ClusterAccuracy
from lcv_mm.gca.cluster_accuracy import cluster_accuracy


@pytest.mark.parametrize('seed', range(4))
def test_the_matching_is_the_best_of_all_permutations(seed):
    rng = np.random.default_rng(seed)
    labels, clusters = rng.integers(5, size=30), rng.integers(5, size=30)
    best = max(np.mean(np.array(order)[clusters] == labels) for order in itertools.permutations(range(5)))
    assert cluster_accuracy(clusters, labels, 2)['All'] == pytest.approx(100 * best)


def test_old_and_new_come_from_one_matching():
    """One cluster holds three images of class 0 (old) and four of class 1 (new): it goes to class 1, and Old is 0."""
    metric = ClusterAccuracy()
    metric.process({}, [dict(pred_label=torch.tensor([0]), gt_label=torch.tensor([i])) for i in (0, 0, 0, 1, 1, 1, 1)])
    metric.dataset_meta = dict(num_known=1)
    assert metric.evaluate(7) == {
        'cluster_accuracy/All': pytest.approx(400 / 7),
        'cluster_accuracy/Old': 0.0,
        'cluster_accuracy/New': 100.0,
    }


def test_images_without_a_label_are_an_error():
    with pytest.raises(ConfigError, match="subset='unlabelled'"):
        cluster_accuracy(np.array([0, 1]), np.array([0, -1]), 1)
