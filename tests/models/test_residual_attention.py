import torch
from mmpretrain.registry import MODELS

from lcv_mm.models import ResidualAttention
from lcv_mm.ops import residual_attention


def test_every_level_is_attended_and_keeps_its_shape():
    levels = (torch.randn(2, 3, 8, 8), torch.randn(2, 5, 4, 6))
    for feats, expected in ((levels, levels), (levels[0], levels[:1])):  # a single map comes back as a tuple
        out = ResidualAttention()(feats)
        assert isinstance(out, tuple)
        assert all(torch.equal(got, residual_attention(level)) for got, level in zip(out, expected, strict=True))


def test_attention_and_global_pooling_chain_in_a_neck_list():
    neck = MODELS.build([dict(type='ResidualAttention'), dict(type='GlobalAveragePooling')])
    feats = torch.rand(2, 3, 4, 4)
    torch.testing.assert_close(neck((feats,))[0], (feats * (1 + feats.sigmoid())).mean((2, 3)))
