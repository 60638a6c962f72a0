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
def test_vectors_are_refused_by_the_head_and_its_options_lead_to_maps(name):
    backbone, advice, channels = FOLLOWED[name]
    module = MODELS.build(dict(type='BCNNHead', num_classes=3, in_channels=channels))
    images = torch.randn(1, 3, 64, 64)
    with pytest.raises(ConfigError, match=rf'BCNNHead: expected maps .*, got \[\({channels},\)\]'):
        module(MODELS.build(backbone)(images))
    module(MODELS.build(backbone | advice)(images))
    if name == 'VisionTransformer':
        with pytest.raises(ConfigError, match=r"got \[\(17, 192\)\]; .*out_type='featmap'"):
            module(MODELS.build(backbone | dict(out_type='raw'))(images))


def test_the_map_of_a_level_is_the_output_of_a_layer_that_has_a_name():
    neck, seen = ResidualAttention(), []
    dict(neck.named_modules())['attention'].register_forward_hook(lambda *call: seen.append(call[2]))
    levels = (torch.randn(2, 3, 8, 8), torch.randn(2, 5, 4, 6))
    assert all(got is level for got, level in zip(seen, neck(levels), strict=True))
    assert neck.state_dict() == {}  # checkpoints are as before
