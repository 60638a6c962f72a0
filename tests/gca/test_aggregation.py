import itertools

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from lcv_mm.errors import TrainingError
from lcv_mm.gca.aggregation import aggregate, edge_weights, label_agreement, nearest_neighbors, neighbor_loss, pair_loss


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_neighbors_are_those_of_a_kd_tree():
    feats = normal(50, 6).float() + 100  # far from the origin, where |x|^2 + |y|^2 - 2xy cancels
    assert nearest_neighbors(feats, 5).tolist() == cKDTree(feats.double()).query(feats.double(), 5)[1].tolist()
    assert nearest_neighbors(torch.zeros(4, 3), 2)[:, 0].tolist() == [0, 1, 2, 3]  # itself, even beside an equal one


def test_features_that_are_not_finite_have_no_neighbors():
    with pytest.raises(TrainingError):
        nearest_neighbors(torch.tensor([[0.0], [torch.inf]]), 2)


def test_edge_weights_are_a_sum_over_all_pairs_of_images():
    probs, neighbors = normal(9, 4).softmax(1), torch.tensor([[i, (3 * i + 1) % 9, (i + 5) % 9] for i in range(9)])
    expected = torch.zeros(4, 4, dtype=torch.float64)
    for a, b, i in itertools.product(range(4), range(4), range(9)):
        for j in neighbors[i]:
            expected[a, b] += probs[i, a] * probs[j, b]
    torch.testing.assert_close(edge_weights(probs, neighbors), expected)


def test_label_agreement_counts_pairs_of_labelled_images():
    clusters, labels = torch.tensor([0, 0, 1, 1, 2, 0, 3]), torch.tensor([0, 1, 0, -1, 1, 1, -1])
    expected = torch.zeros(4, 4)
    for i, j in itertools.product(range(7), repeat=2):
        if labels[i] >= 0 and labels[j] >= 0:
            expected[clusters[i], clusters[j]] += 1 if labels[i] == labels[j] else -1
    assert label_agreement(clusters, labels, 4).tolist() == expected.tolist()
    assert label_agreement(clusters, torch.full((7,), -1), 4).tolist() == torch.zeros(4, 4).tolist()


def test_each_row_joins_its_two_largest():
    joined = aggregate(torch.tensor([[5.0, 1.0, 2.0], [0.0, -1.0, 3.0], [9.0, 8.0, 7.0]]))
    assert joined.tolist() == [[True, False, True], [True, False, True], [True, True, False]]


def test_the_loss_of_the_small_clusters_is_a_sum_of_scalars():
    a, b = normal(6, 3, 4), normal(6, 3, 4, seed=1)
    for head, loss in enumerate(neighbor_loss(a, b, 2.0).tolist()):
        p, q = (np.exp(x[:, head].numpy()) for x in (a, b))
        p, q = p / p.sum(1, keepdims=True), q / q.sum(1, keepdims=True)
        expected = sum(-np.log(sum(p[i, c] * q[i, c] for c in range(4))) for i in range(6)) / 6
        for c in range(4):
            mean = sum(p[i, c] for i in range(6)) / 6
            expected += 2 * mean * np.log(mean)
        assert loss == pytest.approx(expected)


def test_the_loss_of_pairs_is_a_sum_of_scalars_in_float32_under_autocast_too():
    logits, targets = normal(5, 3), torch.tensor([[(i + 2 * j) % 3 == 0 for j in range(5)] for i in range(5)])
    probs = logits.softmax(1).tolist()
    total = 0.0
    for i, j in itertools.product(range(5), repeat=2):
        same = sum(p * q for p, q in zip(probs[i], probs[j], strict=True))
        total -= np.log(same) if targets[i, j] else np.log(1 - same)
    assert pair_loss(logits, targets).item() == pytest.approx(total / 25)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert pair_loss(logits.float(), targets).item() == pytest.approx(total / 25, rel=1e-6)


def test_certain_clusters_give_finite_losses_and_gradients():
    logits = torch.tensor([[1e4, 0.0], [0.0, 1e4]]).requires_grad_()
    loss = neighbor_loss(logits[:, None], logits.flip(0)[:, None]).sum() + pair_loss(logits, torch.ones(2, 2))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_an_unused_cluster_gives_a_finite_loss_and_gradient():
    logits = torch.tensor([[0.0, -1e4], [0.0, -1e4]]).requires_grad_()
    loss = neighbor_loss(logits[:, None], logits[:, None])
    assert loss.item() == pytest.approx(0)  # all agree, and one cluster has no entropy
    loss.sum().backward()
    assert torch.isfinite(logits.grad).all()
