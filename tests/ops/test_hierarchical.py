from itertools import combinations

import pytest
import torch

from lcv_mm.ops import hadamard_bilinear_pool, hierarchical, hierarchical_bilinear_pool, random_maclaurin_pool

# (H, W): fewer places than channels, where each level is projected, and more, where the Gram matrix is used
PLACES = [(2, 2), (5, 4)]
CHANNELS = (6, 5, 7)
DIM = 40


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """So small that the projections of these tests are taken in several chunks."""
    monkeypatch.setattr(hierarchical, 'ROWS', 16)


def draw(places, dtype=torch.float64, bias=True, num=3):
    g = torch.Generator().manual_seed(0)
    levels = [torch.randn(num, c, *places, dtype=dtype, generator=g).requires_grad_() for c in CHANNELS]
    weights = [torch.randn(DIM, c, dtype=dtype, generator=g).requires_grad_() for c in CHANNELS]
    biases = [torch.randn(DIM, dtype=dtype, generator=g).requires_grad_() if bias else None for _ in CHANNELS]
    return levels, weights, biases


def place_by_place(levels, weights, biases):
    """The definition: project every place of every level, multiply two levels, average over places."""
    out = []
    for i, j in combinations(range(len(levels)), 2):
        pair = 0
        for place in range(levels[i][0, 0].numel()):
            a, b = (
                levels[k].flatten(2)[:, :, place] @ weights[k].T + (0 if biases[k] is None else biases[k])
                for k in (i, j)
            )
            pair = pair + a * b
        out.append(pair / levels[i][0, 0].numel())
    return torch.cat(out, dim=1)


def test_pool_by_hand():
    # one place, x = (1, 2), y = (3): (1 * 1 + 1 * 2 + 0.5) * (2 * 3 - 1) = 3.5 * 5
    x, y = torch.tensor([[[1.0], [2.0]]]), torch.tensor([[[3.0]]])
    wx, wy, bx, by = torch.tensor([[1.0, 1.0]]), torch.tensor([[2.0]]), torch.tensor([0.5]), torch.tensor([-1.0])
    assert hadamard_bilinear_pool(x, y, wx, wy, bx=bx, by=by).item() == 17.5


@pytest.mark.parametrize('bias', [True, False])
@pytest.mark.parametrize('places', PLACES, ids=str)
def test_pool_and_gradients_equal_the_projection_of_each_place(places, bias):
    args = draw(places, bias=bias)
    got, expected = hierarchical_bilinear_pool(*args), place_by_place(*args)
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)
    weight = torch.randn_like(got)
    inputs = [t for group in args for t in group if t is not None]
    grads = [torch.autograd.grad((out * weight).sum(), inputs) for out in (got, expected)]
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize('places', PLACES, ids=str)
def test_nothing_but_the_maps_and_the_parameters_is_kept_for_backward(places):
    args = draw(places)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        hierarchical_bilinear_pool(*args)
    own = {t.untyped_storage().data_ptr() for group in args for t in group}
    assert {t.untyped_storage().data_ptr() for t in kept} <= own


@pytest.mark.parametrize('num', [1, 3], ids=['one image', 'three images'])
@pytest.mark.parametrize('places', [(3, 5), (12, 9)], ids=str)
def test_float32_is_close_to_float64(places, num):
    levels = [torch.rand(num, 64, *places).requires_grad_() for _ in range(3)]
    weights = [torch.randn(100, 64).requires_grad_() for _ in range(3)]
    biases = [torch.randn(100).requires_grad_() for _ in range(3)]
    results = []
    for dtype in (torch.float32, torch.float64):
        args = [[t.detach().to(dtype).requires_grad_() for t in group] for group in (levels, weights, biases)]
        out = hierarchical_bilinear_pool(*args)
        results.append([out, *torch.autograd.grad(out.square().mean(), [t for group in args for t in group])])
    for low, exact in zip(*results, strict=True):
        assert (low - exact).norm() / exact.norm() < 1e-5


def signs(seed: int, out_dim: int, channels: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randint(2, (out_dim, channels), generator=g).double() * 2 - 1


def test_random_maclaurin_by_hand():
    # one place (2, 3): (2 - 3) * (2 + 3) = -5 and (2 + 3) * (2 + 3) = 25
    x = torch.tensor([[[2.0], [3.0]]])
    w1, w2 = torch.tensor([[1.0, -1.0], [1.0, 1.0]]), torch.tensor([[1.0, 1.0], [1.0, 1.0]])
    assert torch.equal(random_maclaurin_pool(x, w1, w2), torch.tensor([[-5.0, 25.0]]))


@pytest.mark.parametrize('places', PLACES, ids=str)
@pytest.mark.parametrize('two_maps', [False, True])
def test_random_maclaurin_and_its_gradients_equal_the_projection_of_each_place(places, two_maps):
    x = torch.randn(3, 6, *places, dtype=torch.float64, requires_grad=True)
    y = torch.randn(3, 9, *places, dtype=torch.float64, requires_grad=True) if two_maps else x
    w1, w2 = signs(0, 30, 6), signs(1, 30, 9 if two_maps else 6)
    expected = sum(
        (x.flatten(2)[:, :, i] @ w1.T) * (y.flatten(2)[:, :, i] @ w2.T) for i in range(places[0] * places[1])
    ) / (places[0] * places[1])
    got = random_maclaurin_pool(x, w1, w2, y=y if two_maps else None)
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)
    inputs = (x, y) if two_maps else (x,)
    grads = [torch.autograd.grad(out.square().sum(), inputs) for out in (got, expected)]
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b)


def test_fewer_than_two_levels_and_projections_of_different_sizes_are_refused():
    levels, weights, biases = draw((5, 4))
    with pytest.raises(ValueError, match='expected two levels or more, but got 1'):
        hierarchical_bilinear_pool(levels[:1], weights[:1], biases[:1])
    with pytest.raises(ValueError, match=r'\[39, 40, 40\]'):
        hierarchical_bilinear_pool(levels, (weights[0][:-1], *weights[1:]), [None] * 3)


@pytest.mark.parametrize(
    ('places', 'dtype', 'by_gram'),
    [(PLACES[0], torch.float64, False), (PLACES[1], torch.float64, True), ((2, 3), torch.float32, False),
     ((1, 7), torch.float32, True), (PLACES[1], torch.bfloat16, False)],
)  # fmt: skip
def test_gram_matrices_are_used_from_as_many_places_as_channels_except_in_low_precision(
    places, dtype, by_gram, monkeypatch
):
    products, bmm = [], torch.bmm  # of batches: the other form projects all images at once
    monkeypatch.setattr(torch, 'bmm', lambda *args: products.append(args) or bmm(*args))
    pooled = hierarchical_bilinear_pool(*draw(places, dtype))
    assert bool(products) == by_gram
    products.clear()
    pooled.sum().backward()
    assert bool(products) == by_gram


def test_maps_of_other_images_and_positions_are_refused():
    with pytest.raises(ValueError, match='same N and L'):
        hadamard_bilinear_pool(torch.rand(2, 8, 6), torch.rand(3, 8, 4), torch.rand(5, 8), torch.rand(5, 8))


def test_autocast_sets_the_dtype_of_the_projections_except_for_float64():
    exact = draw((5, 4))
    low = [[tensor.detach().float() for tensor in group] for group in exact]
    expected = hierarchical_bilinear_pool(*exact)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        rounded, unchanged = hierarchical_bilinear_pool(*low), hierarchical_bilinear_pool(*exact)
    assert torch.equal(unchanged, expected)
    assert rounded.dtype == torch.float32
    assert 1e-4 < (rounded - expected).norm() / expected.norm() < 5e-2
