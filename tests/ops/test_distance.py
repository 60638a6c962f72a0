import pytest
import torch

from lcv_mm.ops import pairwise_distance
from lcv_mm.ops.distance import normalized_pairwise_distance


def test_distance_by_hand_on_a_3_4_5_triangle():
    x = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    expected = torch.tensor([[0.0, 3.0, 5.0], [3.0, 0.0, 4.0], [5.0, 4.0, 0.0]])
    assert torch.equal(pairwise_distance(x), expected)


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
        (normalized_pairwise_distance, x.double() / x.double().norm(dim=1, keepdim=True)),
    ):
        exact = (rows[1] - rows[2]).norm()
        assert exact / rows[1].norm() < 2e-4
        assert abs(distance(x)[1, 2].double() - exact) / exact < 1e-6


def test_normalised_distance_by_hand():
    x = torch.tensor([[5.0, 0.0], [0.0, 0.1], [-2.0, 0.0], [0.0, 0.0]])
    root = 2**0.5
    expected = torch.tensor([[0, root, 2, 1], [root, 0, root, 1], [2, root, 0, 1], [1, 1, 1, 0]])
    torch.testing.assert_close(normalized_pairwise_distance(x), expected)


def test_normalised_distance_equals_the_distance_of_normalised_rows():
    x = torch.randn(5, 40, dtype=torch.float64)
    rows = [row / row.square().sum().sqrt() for row in x]
    expected = torch.stack([torch.stack([(a - b).square().sum().sqrt() for b in rows]) for a in rows])
    torch.testing.assert_close(normalized_pairwise_distance(x), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize('distance', [pairwise_distance, normalized_pairwise_distance])
def test_distance_gradients(distance):
    x = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(distance, x)
    assert torch.autograd.gradgradcheck(lambda x: distance(x).triu(1).square(), x)


def test_gradient_equals_autograds_own_through_a_loop():
    x = torch.randn(5, 9, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(5, 5, dtype=torch.float64)
    loop = sum(weight[i, j] * (x[i] - x[j]).square().sum().sqrt() for i in range(5) for j in range(5) if i != j)
    expected = torch.autograd.grad(loop, x)[0]
    torch.testing.assert_close(torch.autograd.grad((pairwise_distance(x) * weight).sum(), x)[0], expected)


@pytest.mark.parametrize('distance', [pairwise_distance, normalized_pairwise_distance])
@pytest.mark.parametrize('scale', [1e-3, 1.0, 300.0])
def test_identical_rows_are_at_distance_0_with_a_gradient_of_0(distance, scale):
    row = torch.randn(1, 3000) * scale
    x = torch.cat([torch.randn(2, 3000) * scale, row, row, row]).requires_grad_()
    result = distance(x)
    assert torch.equal(result[2:, 2:], torch.zeros(3, 3))
    assert torch.equal(torch.autograd.grad(result[2:, 2:].sum(), x)[0], torch.zeros_like(x))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_large_half_precision_rows_do_not_overflow(dtype):
    x = (torch.rand(3, 20000) * 600).to(dtype).requires_grad_()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        distance = pairwise_distance(x)
    exact = torch.cdist(x.double(), x.double())
    assert distance.dtype == torch.float32
    torch.testing.assert_close(distance.double(), exact, rtol=1e-5, atol=1e-3)
    distance.sum().backward()
    assert torch.isfinite(x.grad).all()


def test_a_single_row_has_distance_0_to_itself():
    assert torch.equal(pairwise_distance(torch.randn(1, 4)), torch.zeros(1, 1))


def test_a_feature_map_is_refused_with_its_shape():
    with pytest.raises(ValueError, match=r'shape \(N, D\), but got \(2, 3, 4, 4\); flatten'):
        pairwise_distance(torch.zeros(2, 3, 4, 4))
