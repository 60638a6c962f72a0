import pytest
import torch

from lcv_mm.ops import bilinear_pool


def outer_product_place_by_place(x, y):
    """The definition: the mean over places of the outer product of the two maps' vectors there."""
    x, y = x.double().flatten(2), y.double().flatten(2)
    out = torch.zeros(len(x), x.shape[1] * y.shape[1], dtype=torch.float64)
    for n in range(x.shape[0]):
        for place in range(x.shape[2]):
            out[n] += torch.outer(x[n, :, place], y[n, :, place]).flatten()
    return out / x.shape[2]


def test_pool_by_hand():
    # two places, (1, 2) and (3, 0): outer products [[1, 2], [2, 4]] and [[9, 0], [0, 0]]
    x = torch.tensor([[[1.0, 3.0], [2.0, 0.0]]])
    torch.testing.assert_close(bilinear_pool(x), torch.tensor([[5.0, 1.0, 1.0, 2.0]]))


@pytest.mark.parametrize('shape', [(3, 6, 4, 5), (1, 7, 1, 1), (2, 4, 6)], ids=str)
def test_pool_equals_the_outer_product_of_each_place(shape):
    x = torch.randn(shape, dtype=torch.float64)
    torch.testing.assert_close(bilinear_pool(x), outer_product_place_by_place(x, x), rtol=1e-9, atol=1e-9)


def test_two_maps_of_different_channels():
    x, y = torch.randn(2, 3, 4, 5, dtype=torch.float64), torch.randn(2, 6, 4, 5, dtype=torch.float64)
    torch.testing.assert_close(bilinear_pool(x, y), outer_product_place_by_place(x, y), rtol=1e-9, atol=1e-9)


def test_pool_gradients():
    x = torch.randn(2, 4, 2, 3, dtype=torch.float64, requires_grad=True)
    y = torch.randn(2, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    for args in ((x,), (x, y)):
        assert torch.autograd.gradcheck(bilinear_pool, args)
        assert torch.autograd.gradgradcheck(bilinear_pool, args)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_large_features_in_low_precision_stay_finite_and_close(dtype):
    x = torch.rand(2, 32, 14, 14) * 900
    low = x.to(dtype).requires_grad_()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = bilinear_pool(low)
    exact = bilinear_pool(x.double())
    assert out.dtype == torch.float32
    assert (out - exact).norm() / exact.norm() < 2e-2
    (out / out.norm()).sum().backward()
    assert torch.isfinite(low.grad).all()


def test_float32_is_close_to_float64():
    x = torch.rand(2, 64, 14, 14)
    exact = bilinear_pool(x.double())
    assert (bilinear_pool(x) - exact).norm() / exact.norm() < 1e-6


def test_nothing_but_the_features_is_kept_for_backward():
    x = torch.randn(2, 16, 5, 5, dtype=torch.bfloat16, requires_grad=True)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        bilinear_pool(x)
    assert {t.untyped_storage().data_ptr() for t in kept} == {x.untyped_storage().data_ptr()}


def test_maps_over_different_places_are_refused():
    with pytest.raises(ValueError, match='same images and places.*(2, 4, 9).*(2, 4, 16)'):
        bilinear_pool(torch.zeros(2, 4, 3, 3), torch.zeros(2, 4, 4, 4))
