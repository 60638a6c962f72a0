"""Distances and retrieval over a whole set, against SciPy and scikit-learn; and through the Runner."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from scipy.spatial.distance import cdist, pdist
from sklearn.metrics import average_precision_score
from sklearn.neighbors import NearestNeighbors
from tiny_run import tiny_settings
from torch import Tensor

from lcv_mm.engine.checkpoint_fit_hook import unwrap_model
from lcv_mm.engine.class_variance_metric import feature_quality

ROOT = Path(__file__).parents[2]
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
    # at 0 and 90 degrees class 0, at 0.1 of the chord beside them class 1: each image's nearest is of the other class
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


def test_the_runner_reports_them_of_what_goes_into_the_head(tmp_path):
    cfg = Config.fromfile(ROOT / 'configs/birdlets/cbp_resnet18_birdlets.py')  # of MMPretrain's ImageClassifier
    cfg.merge_from_dict(tiny_settings(tmp_path / 'birdlets') | {'model.head.out_dim': 64})
    cfg.test_dataloader.batch_size = 5
    cfg.work_dir = str(tmp_path / 'work')
    cfg.custom_hooks = [dict(type='lcv_mm.engine.PooledFeatureHook')]
    cfg.test_evaluator = [dict(type='Accuracy', topk=(1, 5)), dict(type='lcv_mm.ClassVarianceMetric')]
    runner = Runner.from_cfg(cfg)
    metrics = runner.test()
    model, feats, labels = unwrap_model(runner).eval(), [], []
    assert not model.head._forward_pre_hooks
    with torch.no_grad():
        for batch in runner.test_dataloader:
            batch = model.data_preprocessor(batch)
            feats.append(model.extract_feat(batch['inputs'])[-1].mean((2, 3)))
            labels += [int(sample.gt_label) for sample in batch['data_samples']]
    expected = reference(torch.cat(feats).double(), torch.tensor(labels))
    assert len(labels) == 12
    for name, value in expected.items():
        assert metrics[f'class_variance/{name}'] == pytest.approx(value, rel=1e-5)
    assert 0 <= metrics['accuracy/top1'] <= 100
