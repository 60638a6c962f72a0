import math
from functools import partial

import pytest
import torch

from lcv_mm.ops import class_variance, pairwise_distance
from lcv_mm.ops.class_variance import mean_pair_distances

normalized_distance = partial(pairwise_distance, normalize=True)
BOTH_DISTANCES = pytest.mark.parametrize('distance', [pairwise_distance, normalized_distance], ids=['raw', 'unit'])
# distances: 01 = 3, 02 = 5, 12 = 4; samples 0 and 1 are of one class
TRIANGLE = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
LABELS = torch.tensor([7, 7, 2])
PHI = {
    'hinge': lambda d: max(6.0 - d, 0.0),
    'inverse': lambda d: 1 / (1 + d),
    'exp': lambda d: math.exp(-d / 2.0),
    'negative': lambda d: -d,
    'literal': lambda d: d,
}


@pytest.mark.parametrize('inter', PHI)
@pytest.mark.parametrize('reduction', ['mean', 'sum'])
def test_losses_by_hand_on_a_3_4_5_triangle(inter, reduction):
    loss_inter, loss_intra = class_variance(
        TRIANGLE, LABELS, inter=inter, margin=6.0, tau=2.0, normalize=False, reduction=reduction
    )
    total = PHI[inter](5.0) + PHI[inter](4.0)
    assert loss_inter.item() == pytest.approx(total / 2 if reduction == 'mean' else total)
    assert loss_intra.item() == pytest.approx(3.0)


def loop_over_pairs(feats, labels, inter, margin, tau, normalize, reduction):
    """The paper's figure 2, read as a loop over pairs."""
    rows = [row / row.norm() if normalize else row for row in feats]
    phi = PHI | dict(hinge=lambda d: torch.clamp(margin - d, min=0), exp=lambda d: torch.exp(-d / tau))
    terms = {True: [], False: []}
    for i in range(len(rows)):
        for j in range(i + 1, len(rows)):
            d = (rows[i] - rows[j]).square().sum().sqrt()
            same = bool(labels[i] == labels[j])
            terms[same].append(d if same else phi[inter](d))
    sums = [sum(terms[kind]) for kind in (False, True)]
    return sums if reduction == 'sum' else [s / len(terms[kind]) for s, kind in zip(sums, (False, True), strict=True)]


@pytest.mark.parametrize('inter', PHI)
@pytest.mark.parametrize('normalize', [True, False])
@pytest.mark.parametrize('reduction', ['mean', 'sum'])
def test_losses_and_gradients_equal_the_loop_over_pairs(inter, normalize, reduction):
    feats = torch.randn(8, 20, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 0, 1, 0, 3, 2])
    options = dict(inter=inter, margin=1.5, tau=0.7, normalize=normalize, reduction=reduction)
    got = class_variance(feats, labels, **options)
    expected = loop_over_pairs(feats, labels, **options)
    for a, b in zip(got, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
    grads = [torch.autograd.grad(a + 2 * b, feats)[0] for a, b in (got, expected)]
    torch.testing.assert_close(*grads, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize('changed', [{}, dict(inter='exp')], ids=str)
def test_the_defaults_are_those_of_the_documentation(changed):
    feats, labels = torch.rand(6, 20), torch.tensor([0, 1, 2, 0, 1, 0])  # close: the hinge acts
    documented = dict(inter='hinge', margin=1.0, tau=0.5, normalize=True, reduction='mean')
    for loss, expected in zip(
        class_variance(feats, labels, **changed), loop_over_pairs(feats, labels, **documented | changed), strict=True
    ):
        torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize('labels', [[0, 1, 2], [5, 5, 5], [4]], ids=['all differ', 'one class', 'one image'])
def test_a_batch_without_pairs_of_a_kind_still_trains(labels):
    feats = torch.randn(len(labels), 4, requires_grad=True)
    losses = class_variance(feats, torch.tensor(labels), inter='literal')
    pairs = len(labels) * (len(labels) - 1) // 2
    same = pairs if len(set(labels)) == 1 else 0
    for loss, count in zip(losses, (pairs - same, same), strict=True):
        assert loss.requires_grad
        assert (loss.item() == 0) if count == 0 else (loss.item() != 0)
    sum(losses).backward()
    assert torch.isfinite(feats.grad).all()


@pytest.mark.parametrize('normalize', [True, False])
@pytest.mark.parametrize('inter', PHI)
@pytest.mark.parametrize('feats', [torch.ones(4, 3), torch.zeros(4, 3)], ids=['identical', 'all zero'])
def test_identical_and_empty_images_give_finite_losses_and_gradients(inter, feats, normalize):
    feats = feats.clone().requires_grad_()
    losses = class_variance(feats, torch.tensor([0, 0, 1, 1]), inter=inter, normalize=normalize)
    assert losses[1].item() == 0
    sum(losses).backward()
    assert torch.isfinite(feats.grad).all()


def test_mean_distances_by_hand():
    distance = torch.tensor([[0.0, 3.0, 5.0], [3.0, 0.0, 4.0], [5.0, 4.0, 0.0]])
    inter, intra = mean_pair_distances(distance, LABELS)
    assert (inter.item(), intra.item()) == (4.5, 3.0)
    assert torch.isnan(mean_pair_distances(distance, torch.tensor([0, 1, 2]))[1])


@pytest.mark.parametrize('columns', [1, 7, 16384, 40000])
def test_distance_equals_a_loop_over_pairs(columns):
    x = torch.randn(5, columns, dtype=torch.float64)
    expected = torch.stack([torch.stack([(a - b).square().sum().sqrt() for b in x]) for a in x])
    torch.testing.assert_close(pairwise_distance(x), expected, rtol=1e-9, atol=1e-9)


def test_close_rows_keep_their_digits():
    base = torch.rand(1, 5000) * 100
    x = torch.cat([torch.rand(1, 5000) * 100, base, base + 1e-4 * torch.randn(1, 5000) * base.norm() / 5000**0.5])
    for distance, rows in (
        (pairwise_distance, x.double()),
        (normalized_distance, x.double() / x.double().norm(dim=1, keepdim=True)),
    ):
        exact = (rows[1] - rows[2]).norm()
        assert exact / rows[1].norm() < 2e-4
        assert abs(distance(x)[1, 2].double() - exact) / exact < 1e-6


def test_normalised_distance_by_hand():
    x = torch.tensor([[5.0, 0.0], [0.0, 0.1], [-2.0, 0.0], [0.0, 0.0]])
    root = 2**0.5
    expected = torch.tensor([[0, root, 2, 1], [root, 0, root, 1], [2, root, 0, 1], [1, 1, 1, 0]])
    torch.testing.assert_close(normalized_distance(x), expected)


@BOTH_DISTANCES
def test_distance_gradients(distance):
    x = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(distance, x)
    assert torch.autograd.gradgradcheck(lambda x: distance(x).triu(1).square(), x)


@BOTH_DISTANCES
@pytest.mark.parametrize('scale', [1e-3, 1.0, 300.0])
def test_identical_rows_are_at_distance_0_with_a_gradient_of_0(distance, scale):
    row = torch.randn(1, 3000) * scale
    x = torch.cat([torch.randn(2, 3000) * scale, row, row, row]).requires_grad_()
    result = distance(x)
    assert torch.equal(result[2:, 2:], torch.zeros(3, 3))
    assert torch.equal(torch.autograd.grad(result[2:, 2:].sum(), x)[0], torch.zeros_like(x))


@BOTH_DISTANCES
@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_features_that_are_not_finite_give_no_plausible_distance_or_loss(distance, value):
    x = torch.tensor([[3.0, 0.0], [3.0, 4.0], [value, 1.0]])
    found = distance(x)
    assert found.isnan().tolist() == [[False, False, True], [False, False, True], [True, True, False]]
    torch.testing.assert_close(found[:2, :2], distance(x[:2]))
    normalize = distance is normalized_distance
    for inter in PHI:
        assert torch.stack(class_variance(x, LABELS, inter=inter, normalize=normalize)).isnan().all()


def test_a_common_offset_changes_neither_distances_nor_gradients():
    assert pairwise_distance(TRIANGLE + 1e8)[0].tolist() == [0, 3, 5]
    x = (TRIANGLE + 1e6).float().requires_grad_()
    pairwise_distance(x)[0, 2].backward()  # (x_0 - x_2) / 5
    torch.testing.assert_close(x.grad, torch.tensor([[-0.6, -0.8], [0.0, 0.0], [0.6, 0.8]]))


def test_neither_small_distances_nor_short_rows_count_as_zero():
    x = torch.tensor([[1.0, 0.0], [1.0, 1e-6]], dtype=torch.float64)
    for distance in (pairwise_distance, normalized_distance):
        assert distance(x)[0, 1].item() == pytest.approx(1e-6, rel=1e-2)
    short = 1e-9 * torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    assert normalized_distance(short)[0, 1].item() == pytest.approx(2**0.5)


def test_a_row_of_zeros_has_distance_1_from_a_unit_row_and_no_gradient():
    x = torch.tensor([[0.0, 0.0], [2.0, 0.0]], requires_grad=True)
    distance = normalized_distance(x)[0, 1]
    distance.backward()
    assert distance.item() == 1
    assert x.grad.tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize('labels', [LABELS[:1], LABELS[:, None]])
def test_labels_that_are_not_one_per_sample_are_refused(labels):
    with pytest.raises(ValueError, match=r'shape \(3,\), one per sample'):
        class_variance(TRIANGLE, labels)
