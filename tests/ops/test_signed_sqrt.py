import pytest
import torch

from lcv_mm.ops import normalized_signed_sqrt, signed_sqrt


def test_signed_sqrt_by_hand():
    x = torch.tensor([4.0, -9.0, 0.0, 0.25])
    torch.testing.assert_close(signed_sqrt(x, eps=1e-12), torch.tensor([2.0, -3.0, 0.0, 0.5]))


def test_eps_is_inside_the_root():
    assert signed_sqrt(torch.tensor(0.09), eps=0.07).item() == pytest.approx(0.4)


def test_zeros_give_finite_gradients():
    x = torch.zeros(5, requires_grad=True)
    signed_sqrt(x).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_signed_sqrt_gradient_away_from_zero():
    x = torch.tensor([0.3, -0.7, 2.0, -5.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(signed_sqrt, x)


def test_normalised_root_by_hand():
    # roots 3 and -4: length 5
    got = normalized_signed_sqrt(torch.tensor([[9.0, -16.0, 0.0], [0.0, 0.0, 0.0]]))
    torch.testing.assert_close(got, torch.tensor([[0.6, -0.8, 0.0], [0.0, 0.0, 0.0]]))


def test_normalised_root_and_its_gradient_equal_autograds_own():
    x = torch.randn(4, 30, dtype=torch.float64)
    x[:, ::3] = 0
    x.requires_grad_()
    weight = torch.randn(4, 30, dtype=torch.float64)
    got, expected = normalized_signed_sqrt(x, 1e-3), torch.nn.functional.normalize(signed_sqrt(x, 1e-3))
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


def test_only_the_output_and_the_lengths_are_kept():
    kept = []
    x = torch.randn(2, 50, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        normalized_signed_sqrt(x)
    assert sum(t.numel() for t in kept) == 2 * 50 + 2
