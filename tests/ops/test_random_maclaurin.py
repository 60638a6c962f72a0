import pytest
import torch

from lcv_mm.ops import random_maclaurin_pool


def signs(seed: int, out_dim: int, channels: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randint(2, (out_dim, channels), generator=g).double() * 2 - 1


def test_pool_by_hand():
    # one place (2, 3): (2 - 3) * (2 + 3) = -5 and (2 + 3) * (2 + 3) = 25
    x = torch.tensor([[[2.0], [3.0]]])
    w1, w2 = torch.tensor([[1.0, -1.0], [1.0, 1.0]]), torch.tensor([[1.0, 1.0], [1.0, 1.0]])
    assert torch.equal(random_maclaurin_pool(x, w1, w2), torch.tensor([[-5.0, 25.0]]))


@pytest.mark.parametrize('places', [(2, 2), (5, 4)], ids=str)
@pytest.mark.parametrize('two_maps', [False, True])
def test_pool_and_gradients_equal_the_projection_of_each_place(places, two_maps):
    x = torch.randn(3, 6, *places, dtype=torch.float64, requires_grad=True)
    y = torch.randn(3, 9, *places, dtype=torch.float64, requires_grad=True) if two_maps else x
    w1, w2 = signs(0, 30, 6), signs(1, 30, 9 if two_maps else 6)
    expected = sum(
        (x.flatten(2)[:, :, i] @ w1.T) * (y.flatten(2)[:, :, i] @ w2.T) for i in range(places[0] * places[1])
    ) / (places[0] * places[1])
    got = random_maclaurin_pool(x, w1, w2, y if two_maps else None)
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)
    inputs = (x, y) if two_maps else (x,)
    grads = [torch.autograd.grad(out.square().sum(), inputs) for out in (got, expected)]
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b)


def test_inner_products_are_preserved_on_average_and_the_spread_falls_with_the_root_of_out_dim():
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 16, dtype=torch.float64, generator=g)
    spread = {}
    for out_dim in (64, 1024):
        products = []
        for seed in range(400):
            w1, w2 = signs(2 * seed, out_dim, 16), signs(2 * seed + 1, out_dim, 16)
            a, b = (random_maclaurin_pool(v[None, :, None], w1, w2)[0] for v in (x, y))
            products.append(a @ b / out_dim)
        products = torch.stack(products)
        spread[out_dim] = products.std()
        assert abs(products.mean() - (x @ y) ** 2) < 4 * products.std() / 400**0.5
    assert spread[64] / spread[1024] == pytest.approx(4, rel=0.25)
