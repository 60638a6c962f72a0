import math

import pytest
import torch
from mmpretrain.structures import DataSample

from lcv_mm.gca import CategoryDiscoveryHead
from lcv_mm.gca.category_discovery_head import contrastive_loss


def by_loops(feats, positives, temperature):
    rows = []
    unit = [[x / math.sqrt(sum(y * y for y in row)) for x in row] for row in feats.tolist()]
    cos = [[sum(a * b for a, b in zip(r, s, strict=True)) / temperature for s in unit] for r in unit]
    for i in range(len(unit)):
        others = [j for j in range(len(unit)) if j != i]
        chosen = [j for j in others if positives[i, j]]
        if chosen:
            total = math.log(sum(math.exp(cos[i][j]) for j in others))
            rows.append(sum(total - cos[i][j] for j in chosen) / len(chosen))
    return sum(rows) / len(rows)


@pytest.mark.parametrize('temperature', [1.0, 0.07])
def test_the_loss_is_that_of_a_slow_loop(temperature):
    feats = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.tensor([0, 1, 0, 2, 0, 1])  # class 2 has no pair
    views = torch.tensor([0, 1, 2, 0, 1, 2])
    for positives in (views[:, None] == views, labels[:, None] == labels):
        found = contrastive_loss(feats, positives, temperature).item()
        assert found == pytest.approx(by_loops(feats, positives, temperature))


def small_head() -> CategoryDiscoveryHead:
    torch.manual_seed(0)
    return CategoryDiscoveryHead(4, hidden_channels=8, bottleneck_channels=3, out_channels=7)


def test_the_projection_is_that_of_dino_with_torchs_weight_norm():
    head = small_head()
    first, _, second, _, third, last = head.projection
    reference = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(3, 7, bias=False))
    length, direction = reference.parametrizations.weight.original0, reference.parametrizations.weight.original1
    with torch.no_grad():
        length.fill_(1)
        direction.copy_(last.weight)
    feats = torch.randn(5, 4)
    x = torch.nn.functional.gelu(second(torch.nn.functional.gelu(first(feats))))
    x = third(x)
    expected = reference(x / x.norm(dim=1, keepdim=True))
    found = head((feats,))
    torch.testing.assert_close(found, expected)
    grads = (torch.autograd.grad(y.square().sum(), w)[0] for y, w in ((found, last.weight), (expected, direction)))
    torch.testing.assert_close(*grads)


def test_the_head_weighs_both_losses_and_reads_labelled_images_alone_in_the_second():
    head, feats = small_head(), torch.randn(8, 4)
    labels = torch.tensor([1, 0, 1, -1, 1, 0, 1, -1])
    losses = head.loss((feats,), [DataSample().set_gt_label(int(label)) for label in labels])
    projected = head((feats,)).detach()
    views = torch.arange(8) % 4
    unsupervised = by_loops(projected, views[:, None] == views, 1.0)
    rows = [0, 1, 2, 4, 5, 6]
    supervised = by_loops(projected[rows], labels[rows][:, None] == labels[rows], 0.07)
    assert losses['loss_unsupervised'].item() == pytest.approx(0.65 * unsupervised, rel=1e-5)
    assert losses['loss_supervised'].item() == pytest.approx(0.35 * supervised, rel=1e-5)


def test_a_batch_without_labelled_images_still_trains():
    head = small_head()
    losses = head.loss((torch.randn(4, 4),), [DataSample().set_gt_label(-1) for _ in range(4)])
    assert losses['loss_supervised'] == 0
    sum(losses.values()).backward()
    assert all(torch.isfinite(weight.grad).all() for weight in head.parameters())


def test_the_layers_before_the_last_begin_with_dinos_weights():
    head = CategoryDiscoveryHead(64, hidden_channels=128, bottleneck_channels=64, out_channels=7)
    for layer in head.projection[:5:2]:
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
        assert not layer.bias.any()
