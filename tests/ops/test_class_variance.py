import math

import pytest
import torch

from lcv_mm.ops import class_variance
from lcv_mm.ops.class_variance import mean_pair_distances

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
        TRIANGLE, LABELS, inter, margin=6.0, tau=2.0, normalize=False, reduction=reduction
    )
    total = PHI[inter](5.0) + PHI[inter](4.0)
    assert loss_inter.item() == pytest.approx(total / 2 if reduction == 'mean' else total)
    assert loss_intra.item() == pytest.approx(3.0)


def loop_over_pairs(feats, labels, inter, margin, tau, normalize, reduction):
    """The paper's figure 2, read as a loop over pairs."""
    rows = [row / row.norm() if normalize else row for row in feats]
    phi = {
        'hinge': lambda d: torch.clamp(margin - d, min=0),
        'inverse': lambda d: 1 / (1 + d),
        'exp': lambda d: torch.exp(-d / tau),
        'negative': lambda d: -d,
        'literal': lambda d: d,
    }[inter]
    terms = {True: [], False: []}
    for i in range(len(rows)):
        for j in range(i + 1, len(rows)):
            d = (rows[i] - rows[j]).square().sum().sqrt()
            same = bool(labels[i] == labels[j])
            terms[same].append(d if same else phi(d))
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


def test_normalised_losses_do_not_depend_on_the_scale_of_the_features():
    feats, labels = torch.rand(6, 30), torch.tensor([0, 0, 1, 1, 2, 2])
    for a, b in zip(class_variance(feats, labels), class_variance(1000 * feats, labels), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize('labels', [[0, 1, 2], [5, 5, 5], [4]], ids=['all differ', 'one class', 'one image'])
def test_a_batch_without_pairs_of_a_kind_still_trains(labels):
    feats = torch.randn(len(labels), 4, requires_grad=True)
    losses = class_variance(feats, torch.tensor(labels), 'literal')
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
    losses = class_variance(feats, torch.tensor([0, 0, 1, 1]), inter, normalize=normalize)
    assert losses[1].item() == 0
    sum(losses).backward()
    assert torch.isfinite(feats.grad).all()


def test_autocast_does_not_touch_the_distances():
    feats = (torch.rand(4, 50000) * 500).bfloat16()
    labels = torch.tensor([0, 0, 1, 1])
    exact = class_variance(feats.double(), labels)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        low = class_variance(feats, labels)
    for a, b in zip(low, exact, strict=True):
        assert a.dtype == torch.float32
        torch.testing.assert_close(a.double(), b, rtol=1e-5, atol=1e-7)


def test_mean_distances_by_hand():
    distance = torch.tensor([[0.0, 3.0, 5.0], [3.0, 0.0, 4.0], [5.0, 4.0, 0.0]])
    inter, intra = mean_pair_distances(distance, LABELS)
    assert (inter.item(), intra.item()) == (4.5, 3.0)
    assert torch.isnan(mean_pair_distances(distance, torch.tensor([0, 1, 2]))[1])


def test_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r'each of the 3 samples, shape \(3,\), but got \(2,\)'):
        class_variance(TRIANGLE, torch.tensor([0, 1]))


@pytest.mark.parametrize(('option', 'value'), [('inter', 'hing'), ('reduction', 'max')])
def test_an_unknown_option_lists_the_known_ones(option, value):
    with pytest.raises(ValueError, match=f"{option}='{value}'.*(hinge.*literal|mean.*sum)"):
        class_variance(TRIANGLE, LABELS, **{option: value})
