import pytest
import torch
from mmengine.runner.checkpoint import load_state_dict
from mmpretrain.registry import MODELS

from lcv_mm.models import CBPHead
from lcv_mm.models.cbp_head import PROJECTIONS
from lcv_mm.ops import tensor_sketch_pool


def build(**options) -> CBPHead:
    return MODELS.build(dict(type='CBPHead', num_classes=5, in_channels=12, out_dim=64, **options))


def test_pre_logits_are_sketch_root_and_unit_length():
    head = build()
    x = torch.randn(3, 12, 4, 5)
    pool = head.pool
    sketch = tensor_sketch_pool(x.double(), pool.h1, pool.s1, pool.h2, pool.s2, 64)
    root = sketch.sign() * sketch.abs().sqrt()
    expected = root / root.square().sum(1, keepdim=True).sqrt()
    torch.testing.assert_close(head.pre_logits((x,)).double(), expected, rtol=1e-4, atol=1e-5)


def test_a_seed_gives_one_sketch_and_leaves_the_global_random_state():
    before = torch.random.get_rng_state()
    torch.nn.Linear(64, 5)  # all that the head draws from the global state
    expected = torch.random.get_rng_state()
    pools = []
    for seed, state in ((3, before), (3, expected), (4, before)):
        torch.random.set_rng_state(state)
        pools.append(build(seed=seed).pool.state_dict())
    assert torch.equal(torch.random.get_rng_state(), expected)
    assert all(torch.equal(pools[0][name], pools[1][name]) for name in pools[0])
    assert not all(torch.equal(pools[0][name], pools[2][name]) for name in pools[0])


@pytest.mark.parametrize('projection', ['ts', 'rm'])
def test_inner_products_are_preserved_on_average_and_the_spread_falls_with_the_root_of_out_dim(projection):
    x, y = torch.randn(2, 16, generator=torch.Generator().manual_seed(0))
    spread = {}
    for out_dim in (64, 1024):
        scale = out_dim if projection == 'rm' else 1
        pools = (PROJECTIONS[projection](16, out_dim, seed) for seed in range(200))
        products = torch.stack([pool(x[None, :, None])[0] @ pool(y[None, :, None])[0] / scale for pool in pools])
        spread[out_dim] = products.std()
        assert abs(products.mean() - (x @ y) ** 2) < 4 * products.std() / 200**0.5
    assert spread[64] / spread[1024] == pytest.approx(4, rel=0.25)


@pytest.mark.parametrize('projection', ['ts', 'rm'])
@pytest.mark.parametrize('out_dim', [16, 256])
def test_the_sketch_of_another_out_dim_is_not_loaded(projection, out_dim):
    trained = CBPHead(num_classes=3, in_channels=12, out_dim=64, projection=projection, seed=1)
    model = torch.nn.ModuleDict(dict(head=CBPHead(3, 12, out_dim, projection, seed=2)))
    drawn = {name: value.clone() for name, value in model.head.pool.state_dict().items()}
    load_state_dict(
        model, torch.nn.ModuleDict(dict(head=trained)).state_dict()
    )  # MMEngine's: what fits, as `load_from`
    assert all(torch.equal(value, drawn[name]) for name, value in model.head.pool.state_dict().items())
    assert torch.equal(model.head.fc.bias, trained.fc.bias)
