"""Distances and retrieval over a whole set, against SciPy and scikit-learn."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist, pdist
from sklearn.metrics import average_precision_score
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from lcv_mm.engine import ClassVarianceMetric, feature_quality

LABELS = torch.tensor([0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 0])  # of class 3 one image


def features(count: int = 11, width: int = 5) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def reference(feats: Tensor, labels: Tensor) -> dict[str, float]:
    """The same numbers by SciPy and scikit-learn, from the N x N distances; without ties of the nearest."""
    unit = (feats / feats.norm(dim=1, keepdim=True)).numpy()
    truth = labels.numpy()
    same = pdist(truth[:, None]) == 0
    distances = cdist(unit, unit)
    neighbours = NearestNeighbors(n_neighbors=2).fit(unit).kneighbors(unit, return_distance=False)
    precisions, right = [], []
    for query, label in enumerate(truth):
        others = np.arange(len(truth)) != query
        relevant = truth[others] == label
        if relevant.any():
            precisions.append(average_precision_score(relevant, -distances[query, others]))
            right.append(truth[neighbours[query, 1]] == label)
    intra, inter = pdist(unit)[same].mean(), pdist(unit)[~same].mean()
    recall, mean_precision = 100 * np.mean(right), 100 * np.mean(precisions)
    return {'dist_intra': intra, 'dist_inter': inter, 'ratio': intra / inter, 'Recall@1': recall, 'mAP': mean_precision}


@pytest.mark.parametrize('block', [1, 44, 10**6])  # one row, four and a last block of three, all at once
def test_they_are_scipys_and_scikit_learns_in_blocks_of_any_size(block):
    assert feature_quality(features(), LABELS, block) == pytest.approx(reference(features(), LABELS), rel=1e-9)


def test_features_that_are_not_finite_have_no_quality():
    feats = features()
    feats[4, 1] = np.inf
    assert all(np.isnan(number) for number in feature_quality(feats, LABELS).values())


def test_four_points_by_hand():
    # class 0 at 0 and 90 degrees, class 1 at 53 and 143: each image's nearest is of the other class
    feats = torch.tensor([[2.0, 0.0], [0.0, 3.0], [3.0, 4.0], [-4.0, 3.0]])
    found = feature_quality(feats, torch.tensor([0, 0, 1, 1]))
    assert found['dist_intra'] == pytest.approx(2**0.5)  # both pairs are at right angles
    between = [0.8**0.5, (2 + 1.6) ** 0.5, 0.4**0.5, 0.8**0.5]  # sqrt(2 - 2 cos), of cosines 0.6, -0.8, 0.8, 0.6
    assert found['dist_inter'] == pytest.approx(sum(between) / 4)
    assert found['Recall@1'] == 0
    # ranks of the one relevant image: 2, 3, 3, 2
    assert found['mAP'] == pytest.approx(100 * (1 / 2 + 1 / 3 + 1 / 3 + 1 / 2) / 4)


def test_images_at_one_distance_count_alike_in_any_order():
    # along the axes, some backwards: at distances 0, sqrt(2) and 2
    axes = torch.randint(0, 4, (60,), generator=torch.Generator().manual_seed(0))
    feats = torch.eye(4, dtype=torch.float64)[axes] * torch.tensor([1.0, -2.0, 3.0]).repeat(20)[:, None]
    labels = (axes + (torch.arange(60) % 7 == 0)) % 4  # mostly an axis for each class
    found = feature_quality(feats, labels, block=700)
    shuffled = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    assert feature_quality(feats[shuffled], labels[shuffled]) == pytest.approx(found, rel=1e-9)
    unit = (feats / feats.norm(dim=1, keepdim=True)).numpy()
    expected = [
        average_precision_score((labels == label)[others], -cdist(unit[[i]], unit[others])[0])
        for i, label in enumerate(labels)
        for others in [np.arange(60) != i]
    ]
    assert found['mAP'] == pytest.approx(100 * np.mean(expected), rel=1e-9)


def test_a_model_that_gives_one_feature_to_all_images_is_as_good_as_chance():
    found = feature_quality(torch.full((9, 4), 0.3), torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2]))
    assert found['dist_intra'] == found['dist_inter'] == 0
    assert found['Recall@1'] == found['mAP'] == pytest.approx(100 * 2 / 8)  # two of the eight others
    assert np.isnan(found['ratio'])


def test_the_metric_takes_the_feature_and_the_label_of_each_sample():
    metric = ClassVarianceMetric()
    for feat, label in zip(features(), LABELS, strict=True):
        metric.process({}, [dict(pooled_feat=feat, gt_label=label[None])])
    expected = {f'class_variance/{name}': value for name, value in reference(features(), LABELS).items()}
    assert metric.evaluate(len(LABELS)) == pytest.approx(expected)
