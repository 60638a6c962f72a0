from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lcv_mm.ops import tensor_sketch_pool


def draw_hashes(channels: int, out_dim: int, seed: int = 0, other: int | None = None) -> tuple[Tensor, ...]:
    """h1, s1, h2, s2 of a sketch of `channels` and `other` (default: as many) channels."""
    g = torch.Generator().manual_seed(seed)
    hashes = []
    for c in (channels, channels if other is None else other):
        hashes += [torch.randint(out_dim, (c,), generator=g), torch.randint(2, (c,), generator=g) * 2 - 1]
    return tuple(hashes)


def sketch_place_by_place(x: Tensor, h1: Tensor, s1: Tensor, h2: Tensor, s2: Tensor, out_dim: int, y=None) -> Tensor:
    """The definition (Gao et al., Alg. 2): count sketches of each place, convolved through the transform, averaged."""
    x, y = x.double().flatten(2), (x if y is None else y).double().flatten(2)
    out = torch.zeros(len(x), out_dim, dtype=torch.float64)
    for n in range(x.shape[0]):
        for place in range(x.shape[2]):
            counts = []
            for values, h, s in ((x[n, :, place], h1, s1), (y[n, :, place], h2, s2)):
                count = torch.zeros(out_dim, dtype=torch.float64)
                for c in range(len(values)):
                    count[h[c]] += s[c] * values[c]
                counts.append(torch.fft.fft(count))
            out[n] += torch.fft.ifft(counts[0] * counts[1]).real
    return out / x.shape[2]


@pytest.fixture
def transformed(monkeypatch) -> Callable[[], bool]:
    """Whether the sketches of this test were computed by Fourier transforms."""
    calls, rfft = [], torch.fft.rfft
    monkeypatch.setattr(torch.fft, 'rfft', lambda *args: calls.append(args) or rfft(*args))
    return lambda: len(calls) > 0


def test_sketch_by_hand():
    # one place (2, 3), two bins: products 4, 6, 6, 9 with signs +, -, -, + fall into the bins 0, 1, 1, 0
    x = torch.tensor([[[2.0], [3.0]]])
    h, s = torch.tensor([0, 1]), torch.tensor([1, -1])
    torch.testing.assert_close(tensor_sketch_pool(x, h, s, h, s, 2), torch.tensor([[13.0, -12.0]]))


@pytest.mark.parametrize('two_maps', [False, True])
@pytest.mark.parametrize('shape', [(3, 12, 4, 5), (1, 7, 1, 1), (2, 9, 6), (2, 20, 1, 3)], ids=str)
def test_sketch_equals_the_transform_of_each_place(shape, two_maps):
    x = torch.randn(shape, dtype=torch.float64)
    y = torch.randn(shape[0], 10, *shape[2:], dtype=torch.float64) if two_maps else None
    hashes = draw_hashes(shape[1], 32, other=10 if two_maps else None)
    got = tensor_sketch_pool(x, *hashes, 32, y=y)
    torch.testing.assert_close(got, sketch_place_by_place(x, *hashes, 32, y=y), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize('two_maps', [False, True])
@pytest.mark.parametrize(
    ('places', 'by_transforms'), [((2, 3), False), ((1, 2), True)], ids=['by products', 'by transforms']
)
def test_sketch_gradients(places, by_transforms, two_maps, transformed):
    x = torch.randn(2, 7, *places, dtype=torch.float64, requires_grad=True)
    y = torch.randn(2, 6, *places, dtype=torch.float64, requires_grad=True) if two_maps else None
    hashes = draw_hashes(7, 11, other=6 if two_maps else None)
    args = (x, y) if two_maps else (x,)
    assert torch.autograd.gradcheck(lambda x, y=None: tensor_sketch_pool(x, *hashes, 11, y=y), args)
    assert torch.autograd.gradgradcheck(lambda x, y=None: tensor_sketch_pool(x, *hashes, 11, y=y), args)
    assert transformed() == by_transforms


@pytest.mark.parametrize(('channels', 'places'), [(2048, 118), (1024, 29), (512, 7)])
def test_transforms_are_used_up_to_the_documented_number_of_places(channels, places, transformed):
    hashes = draw_hashes(channels, 8192)
    tensor_sketch_pool(torch.rand(1, channels, places + 1), *hashes, 8192)
    assert not transformed()
    tensor_sketch_pool(torch.rand(1, channels, places), *hashes, 8192)
    assert transformed()


def test_float32_is_close_to_float64():
    x = torch.rand(2, 64, 14, 14)
    hashes = draw_hashes(64, 256)
    exact = tensor_sketch_pool(x.double(), *hashes, 256)
    assert (tensor_sketch_pool(x, *hashes, 256) - exact).norm() / exact.norm() < 1e-6


@pytest.mark.parametrize(('side', 'by_transforms'), [(14, False), (2, True)], ids=['by products', 'by transforms'])
def test_nothing_but_the_features_is_kept_for_backward(side, by_transforms, transformed):
    x = torch.randn(2, 32, side, side, requires_grad=True)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        tensor_sketch_pool(x, *draw_hashes(32, 64), 64)
    extra = [t for t in kept if t.untyped_storage().data_ptr() != x.untyped_storage().data_ptr()]
    assert sum(t.numel() for t in extra) == 4 * 32  # the hashes
    assert transformed() == by_transforms


@pytest.mark.parametrize(('places', 'by_transforms'), [(400, False), (2, True)], ids=['by products', 'by transforms'])
def test_it_runs_where_torch_has_to_be_deterministic(places, by_transforms, transformed):
    x = torch.randn(2, 8, places, requires_grad=True)
    hashes = [t for _ in range(2) for t in (torch.randint(16, (8,)), torch.randint(2, (8,)) * 2.0 - 1)]
    results = []
    for deterministic in (False, True):
        torch.use_deterministic_algorithms(deterministic)
        try:
            out = tensor_sketch_pool(x, *hashes, 16)
            results.append((out, *torch.autograd.grad(out.square().sum(), x)))
        finally:
            torch.use_deterministic_algorithms(False)
    torch.testing.assert_close(*results)
    assert transformed() == by_transforms
