import pytest
import torch

from lcv_mm.ops import signed_sqrt


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
