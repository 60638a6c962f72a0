import pytest
import torch

from lcv_mm.ops import bilinear_pool, normalized_signed_sqrt, signed_sqrt


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


@pytest.mark.parametrize('two_maps', [False, True])
@pytest.mark.parametrize('shape', [(3, 6, 4, 5), (1, 7, 1, 1), (2, 4, 6)], ids=str)
def test_pool_equals_the_outer_product_of_each_place(shape, two_maps):
    x = torch.randn(shape, dtype=torch.float64)
    maps = (x, torch.randn(shape[0], 5, *shape[2:], dtype=torch.float64)) if two_maps else (x,)
    expected = outer_product_place_by_place(maps[0], maps[-1])
    torch.testing.assert_close(bilinear_pool(x, y=maps[1] if two_maps else None), expected, rtol=1e-9, atol=1e-9)


def test_pool_gradients():
    x = torch.randn(2, 4, 2, 3, dtype=torch.float64, requires_grad=True)
    y = torch.randn(2, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    for args in ((x,), (x, y)):
        assert torch.autograd.gradcheck(lambda x, y=None: bilinear_pool(x, y=y), args)
        assert torch.autograd.gradgradcheck(lambda x, y=None: bilinear_pool(x, y=y), args)


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


def test_signed_sqrt_has_a_finite_slope_at_0_in_float16():
    x = torch.tensor([0.0, 1.0, -4.0], dtype=torch.float16, requires_grad=True)
    signed_sqrt(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 0.5, 0.25]


def test_signed_sqrt_by_hand():
    x = torch.tensor([4.0, -9.0, 0.0, 0.25])
    torch.testing.assert_close(signed_sqrt(x, eps=1e-12), torch.tensor([2.0, -3.0, 0.0, 0.5]))
    assert signed_sqrt(torch.tensor(0.09), eps=0.07).item() == pytest.approx(0.4)  # inside the root


def test_normalised_root_by_hand():
    # roots 3 and -4: length 5
    got = normalized_signed_sqrt(torch.tensor([[9.0, -16.0, 0.0], [0.0, 0.0, 0.0]]))
    torch.testing.assert_close(got, torch.tensor([[0.6, -0.8, 0.0], [0.0, 0.0, 0.0]]))


def test_normalised_root_and_its_gradient_equal_autograds_own():
    x = torch.randn(4, 30, dtype=torch.float64)
    x[:, ::3] = 0
    x.requires_grad_()
    weight = torch.randn(4, 30, dtype=torch.float64)
    got, expected = normalized_signed_sqrt(x, eps=1e-3), torch.nn.functional.normalize(signed_sqrt(x, eps=1e-3))
    torch.testing.assert_close(got, expected)
    grads = [torch.autograd.grad((out * weight).sum(), x)[0] for out in (got, expected)]
    torch.testing.assert_close(*grads)


def test_normalised_root_gradients():
    x = torch.tensor([[0.3, -0.7, 2.0, -5.0], [1.0, 0.2, -0.1, 4.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(normalized_signed_sqrt, x)
    assert torch.autograd.gradgradcheck(normalized_signed_sqrt, x)


def test_a_row_of_zeros_has_a_gradient_of_zeros():
    x = torch.zeros(2, 5)
    x[1] = 1.0
    x.requires_grad_()
    normalized_signed_sqrt(x)[:, 0].sum().backward()
    assert torch.equal(x.grad[0], torch.zeros(5))
    assert torch.isfinite(x.grad).all()


def test_the_default_eps_is_1e_10():
    x = torch.tensor([[3e-10, 1.0]], dtype=torch.float64)  # (3e-10 + 1e-10)^0.5 = 2e-5
    for root in (signed_sqrt, normalized_signed_sqrt):
        assert root(x)[0, 0].item() == pytest.approx(2e-5, rel=1e-6)


def test_the_normalised_root_of_float16_is_that_of_float32_rounded():
    x = torch.tensor([[0.0, 0.0, 0.0], [1e4, 1e4, -1e4], [1e-4, 0.0, 4e-4]])
    low, exact = x.half().requires_grad_(), x.half().float().requires_grad_()
    got, expected = normalized_signed_sqrt(low), normalized_signed_sqrt(exact)
    assert torch.equal(got, expected.half())
    weights = torch.tensor([1.0, 2.0, 3.0])
    (grad,) = torch.autograd.grad((got.float() * weights).sum(), low)
    (exact_grad,) = torch.autograd.grad((expected * weights).sum(), exact)
    assert torch.equal(grad, exact_grad.half())
    assert grad[1].abs().min() > 0
