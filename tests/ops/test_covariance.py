import pytest
import torch

from lcv_mm.ops import covariance_pool, matrix_sqrt, upper_triangle


def covariances(n: int = 2, channels: int = 5, places: int = 40) -> torch.Tensor:
    return covariance_pool(
        torch.randn(n, channels, places, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    )


def test_covariance_by_hand():
    # channels (1, 3, 5) and (2, 2, 5), means 3 and 3: squares 8 / 3 and 6 / 3, product (2 + 0 + 4) / 3
    x = torch.tensor([[[1.0, 3.0, 5.0], [2.0, 2.0, 5.0]]])
    torch.testing.assert_close(covariance_pool(x), torch.tensor([[[8 / 3, 2.0], [2.0, 2.0]]]))


def test_covariance_is_torchs_and_ignores_a_constant():
    x = torch.randn(3, 6, 4, 5, dtype=torch.float64)
    expected = torch.stack([torch.cov(one.flatten(1), correction=0) for one in x])
    torch.testing.assert_close(covariance_pool(x), expected)
    torch.testing.assert_close(covariance_pool(x + 7), expected)


def test_one_iteration_by_hand():
    # trace 4: A = diag(1/4, 3/4); Y_1 = A (3 - A) / 2 = diag(11/32, 27/32); times the root of 4
    got = matrix_sqrt(torch.diag(torch.tensor([1.0, 3.0]))[None], iterations=1)
    torch.testing.assert_close(got, torch.diag(torch.tensor([11 / 16, 27 / 16]))[None])


def test_many_iterations_reach_the_root_by_eigenvalues():
    a = covariances()
    values, vectors = torch.linalg.eigh(a)
    expected = vectors @ torch.diag_embed(values.sqrt()) @ vectors.mT
    torch.testing.assert_close(matrix_sqrt(a, iterations=15), expected, rtol=1e-8, atol=1e-8)
    errors = [(matrix_sqrt(a, iterations=n) - expected).norm().item() for n in (1, 3, 5, 7)]
    assert errors == sorted(errors, reverse=True)


def test_gradients_are_those_of_finite_differences():
    x = torch.randn(2, 3, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: upper_triangle(matrix_sqrt(covariance_pool(x), iterations=3)), (x,))


def test_a_map_of_zeros_gives_zeros_and_finite_gradients():
    x = torch.zeros(1, 4, 9, requires_grad=True)
    out = matrix_sqrt(covariance_pool(x))
    assert torch.equal(out, torch.zeros(1, 4, 4))
    out.sum().backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_low_precision_is_summed_in_float32_also_under_autocast(dtype):
    x = torch.rand(2, 16, 6, 6).to(dtype)
    expected = matrix_sqrt(covariance_pool(x.double()))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        got = matrix_sqrt(covariance_pool(x))
    assert got.dtype == torch.float32
    assert (got - expected).norm() / expected.norm() < 1e-5


def test_five_iterations_are_the_default():
    a = covariances()
    assert torch.equal(matrix_sqrt(a), matrix_sqrt(a, iterations=5))
