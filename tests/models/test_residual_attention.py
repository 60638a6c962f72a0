import pytest
import torch
from mmpretrain.registry import MODELS

from lcv_mm.errors import ConfigError
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


# a backbone as it ships, and with what the message says to set
FOLLOWED = {
    'ConvNeXt': (dict(type='ConvNeXt', arch='atto'), dict(gap_before_final_norm=False), 320),
    'VisionTransformer': (
        dict(type='VisionTransformer', arch='deit-tiny', img_size=64, patch_size=16),
        dict(out_type='featmap'),
        192,
    ),
}


@pytest.mark.parametrize('name', FOLLOWED)
@pytest.mark.parametrize('part', ['ResidualAttention', 'BCNNHead'])
def test_vectors_are_refused_and_the_advice_leads_to_maps(name, part):
    backbone, advice, channels = FOLLOWED[name]
    options = dict(num_classes=3, in_channels=channels) if part == 'BCNNHead' else {}
    module = MODELS.build(dict(type=part, **options))
    images = torch.randn(1, 3, 64, 64)
    with pytest.raises(ConfigError) as raised:
        module(MODELS.build(backbone)(images))
    key, value = next(iter(advice.items()))
    assert f'{part}: expected maps (N, C, H, W), got vectors (1, {channels}); ' in str(raised.value)
    assert f'{key}={value!r} of' in str(raised.value)
    module(MODELS.build(backbone | advice)(images))
    if name == 'VisionTransformer' and part == 'BCNNHead':
        with pytest.raises(ConfigError, match=r"got tokens \(1, 17, 192\); set the backbone's out_type='featmap'"):
            module(MODELS.build(backbone | dict(out_type='raw'))(images))


def test_the_map_of_a_level_is_the_output_of_a_layer_that_has_a_name():
    neck, seen = ResidualAttention(), []
    dict(neck.named_modules())['attention'].register_forward_hook(lambda *call: seen.append(call[2]))
    levels = (torch.randn(2, 3, 8, 8), torch.randn(2, 5, 4, 6))
    assert all(got is level for got, level in zip(seen, neck(levels), strict=True))
    assert neck.state_dict() == {}  # checkpoints are as before
