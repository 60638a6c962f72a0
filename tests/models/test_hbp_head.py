import pytest
import torch
from mmpretrain.registry import MODELS

from lcv_mm.errors import ConfigError
from lcv_mm.models import HBPHead


def build(**options) -> HBPHead:
    return MODELS.build(dict(type='HBPHead', **{**dict(num_classes=5, in_channels=6, proj_dim=10), **options}))


@pytest.mark.parametrize('places', [(2, 2), (4, 5)], ids=str)
def test_pre_logits_are_the_products_12_13_23_each_of_unit_length(places):
    head = build(in_channels=(6, 4, 5))
    levels = [torch.randn(3, c, *places) for c in (6, 4, 5)]
    maps = [conv(x).double() for conv, x in zip(head.projections, levels, strict=True)]
    expected = []
    for i, j in ((0, 1), (0, 2), (1, 2)):
        pooled = (maps[i] * maps[j]).mean((2, 3))
        root = pooled.sign() * pooled.abs().sqrt()
        expected.append(root / root.square().sum(1, keepdim=True).sqrt())
    got = head.pre_logits(tuple(levels)).double()
    torch.testing.assert_close(got, torch.cat(expected, dim=1), rtol=1e-3, atol=1e-4)
    assert head.fc.in_features == 30


def test_the_last_three_levels_are_pooled():
    head, levels = build(), tuple(torch.randn(2, 6, 3, 3) for _ in range(3))
    assert torch.equal(head((torch.randn(2, 9, 8, 8), *levels)), head(levels))


def test_the_weights_of_a_projection_may_be_computed():
    head, levels = build(), tuple(torch.randn(2, 6, 3, 3) for _ in range(3))
    expected = head(levels)
    torch.nn.utils.parametrizations.weight_norm(head.projections[0])
    torch.testing.assert_close(head(levels), expected)


def test_other_than_three_levels_are_refused():
    with pytest.raises(ConfigError, match=r'in_channels=\(32, 64\); expected the channels of 3 levels'):
        build(in_channels=(32, 64))


def test_levels_of_several_resolutions_are_refused():
    levels = (torch.randn(2, 6, 6, 6), torch.randn(2, 6, 3, 3), torch.randn(2, 6, 3, 3))
    with pytest.raises(ConfigError, match=r'\[\(6, 6, 6\), \(6, 3, 3\), \(6, 3, 3\)\]; .*ResizeLevels'):
        build()(levels)
