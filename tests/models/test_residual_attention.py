import torch
from mmpretrain.registry import MODELS

from lcv_mm.models import ResidualAttention
from lcv_mm.ops import residual_attention


def test_every_level_is_attended_and_keeps_its_shape():
    levels = (torch.randn(2, 3, 8, 8), torch.randn(2, 5, 4, 6))
    out = ResidualAttention()(levels)
    assert isinstance(out, tuple)
    for got, level in zip(out, levels, strict=True):
        assert torch.equal(got, residual_attention(level))


def test_a_single_map_comes_back_as_a_tuple():
    level = torch.randn(2, 3, 4, 4)
    (out,) = ResidualAttention()(level)
    assert torch.equal(out, residual_attention(level))


def test_attention_and_global_pooling_chain_in_a_neck_list():
    neck = MODELS.build([dict(type='ResidualAttention'), dict(type='GlobalAveragePooling')])
    feats = torch.rand(2, 3, 4, 4)
    torch.testing.assert_close(neck((feats,))[0], (feats * (1 + feats.sigmoid())).mean((2, 3)))
