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


@pytest.mark.parametrize(('out_type', 'shape'), [('cls_token', '192'), ('raw', '17, 192')])
def test_vectors_are_refused_by_the_head_which_names_the_option_that_leads_to_maps(out_type, shape):
    backbone = dict(type='VisionTransformer', arch='deit-tiny', img_size=64, patch_size=16)
    head = MODELS.build(dict(type='BCNNHead', num_classes=3, in_channels=192))
    images = torch.randn(1, 3, 64, 64)
    with pytest.raises(ConfigError, match=rf"BCNNHead: expected maps .*, got \[\({shape},?\)\]; .*out_type='featmap'"):
        head(MODELS.build(backbone | dict(out_type=out_type))(images))
    head(MODELS.build(backbone | dict(out_type='featmap'))(images))


def test_the_map_of_a_level_is_the_output_of_a_layer_that_has_a_name():
    neck, seen = ResidualAttention(), []
    dict(neck.named_modules())['attention'].register_forward_hook(lambda *call: seen.append(call[2]))
    levels = (torch.randn(2, 3, 8, 8), torch.randn(2, 5, 4, 6))
    assert all(got is level for got, level in zip(seen, neck(levels), strict=True))
    assert neck.state_dict() == {}  # checkpoints are as before
