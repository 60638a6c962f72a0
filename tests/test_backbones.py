"""The table of backbones in docs/mmpretrain.md: each with CBP and HBP, from both styles of config."""

import re
from functools import partial
from itertools import product
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import PretrainedInit
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from lcv_mm.errors import WeightsError
from lcv_mm.gca import DINOVisionTransformer
from lcv_mm.models import ResNetLayers, VGGLayers

PAGE = Path(__file__).parents[1] / 'docs/mmpretrain.md'
ROWS = re.findall(r'^\| (\w+) \| `dict\((.*)\)` \| ([\w, ]+) \| ([\d, ]+) \|$', PAGE.read_text(), re.MULTILINE)
OURS = ('LCVClassifier', 'ClassVarianceLoss', 'ResidualAttention', 'ResizeLevels', 'BCNNHead', 'CBPHead', 'HBPHead')
# a head's necks beside the attention, and its options; {last} and {all} stand for the channels
HEADS = {
    'CBPHead': ('', 'in_channels={last}, out_dim=256'),
    'HBPHead': ("dict(type='ResizeLevels')", 'in_channels=({all}), proj_dim=32'),
}


def size_for(options: str) -> int:
    """The side of a small image that a backbone takes."""
    return 56 if 'patch_size=14' in options else 64


def config(folder: Path, style: str, options: str, levels: str, channels: str) -> Config:
    """A config file with a model for each head, written as a user would."""
    options = options.replace('img_size=224', f'img_size={size_for(options)}')
    if 'Swin' in options:
        options += ', pad_small_map=True'  # its windows of 7 are larger than the last map of such a small image
    text = ''
    for head, (neck, of_head) in HEADS.items():
        indices = f', out_indices=({levels})' if head == 'HBPHead' and levels[0].isdigit() else ''
        settings = of_head.format(last=channels.rpartition(', ')[2], all=channels)
        text += f"""
{head} = dict(
    type='LCVClassifier',
    backbone=dict({options}{indices}),
    neck=[dict(type='ResidualAttention'), {neck}],
    head=dict(type='{head}', num_classes=2, {settings}),
    variance_loss=dict(type='ClassVarianceLoss'))
"""
    if style == 'text':
        text = "custom_imports = dict(imports=['lcv_mm'])\n" + text
    else:
        names = {*re.findall(r"\btype='(\w+)'", text)} - {*OURS}
        imports = f'from mmpretrain.models import {", ".join(sorted(names))}\nfrom lcv_mm import {", ".join(OURS)}\n'
        # a head's class and the model named after it would be one name in such a config
        text = imports + re.sub(r"\btype='(\w+)'", r'type=\1', re.sub(r'^(\w+) = ', r'model_\1 = ', text, flags=re.M))
    file = folder / f'{style}.py'
    file.write_text(text)
    return Config.fromfile(file)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('row', 'style', 'head'),
    # the classes of a pure-Python config are the same ones: one tells that they are found
    [*product(ROWS, ['text'], HEADS), (ROWS[0], 'pure', 'HBPHead')],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_backbone_with_bilinear_heads_trains_for_a_step(row, style, head, tmp_path):
    cfg = config(tmp_path, style, *row[1:])
    size = size_for(row[1])
    torch.manual_seed(0)
    model = MODELS.build(cfg[head if style == 'text' else f'model_{head}']).train()
    samples = [DataSample().set_gt_label(label) for label in (0, 0, 1, 1)]
    total, log = model.parse_losses(model.loss(torch.randn(4, 3, size, size), samples))
    total.backward()
    assert torch.isfinite(total)
    assert {'loss_cls', 'loss_inter', 'loss_intra', 'dist_inter', 'dist_intra'} < {*log}
    assert next(model.backbone.parameters()).grad.abs().sum() > 0  # the loss reaches the first layer


def test_levels_are_resized_to_the_means_over_equal_areas():
    resize = MODELS.build(dict(type='ResizeLevels'))
    large = torch.arange(32.0).view(1, 2, 4, 4)
    small = torch.randn(1, 3, 2, 2)
    resized, same = resize((large, small))
    by_hand = torch.tensor([[2.5, 4.5], [10.5, 12.5]])  # (0 + 1 + 4 + 5) / 4, ...
    torch.testing.assert_close(resized, torch.stack([by_hand, by_hand + 16])[None])
    assert torch.equal(same, small)


SPELLINGS = {
    'name': lambda init: init,
    'scoped name': lambda init: init | dict(type='mmengine.Pretrained'),
    'list': lambda init: [init],
    'list, another after it': lambda init: [init | dict(type=PretrainedInit), dict(type='Normal', layer='Conv2d')],
    'of a Config': lambda init: Config(dict(init=[init])).init,
}
BACKBONES = [
    partial(ResNetLayers, 18, stem_channels=4, base_channels=4),
    partial(DINOVisionTransformer, arch=dict(embed_dims=12, num_layers=1, num_heads=3, feedforward_channels=24)),
    partial(VGGLayers, 11, ('relu1_1',)),
]


@pytest.mark.parametrize(('build', 'spelling'), [*product(BACKBONES[:1], SPELLINGS), *product(BACKBONES[1:], ['list'])])
def test_pretrained_weights_are_strict_however_they_are_asked_for(build, spelling, tmp_path):
    weights = {key: torch.full_like(value, 7) for key, value in build().state_dict().items()}
    torch.save(weights, tmp_path / 'sevens.pth')
    init = SPELLINGS[spelling](dict(type='Pretrained', checkpoint=str(tmp_path / 'sevens.pth')))
    model = build(init_cfg=init)
    model.init_weights()
    assert all((value == 7).all() for value in model.state_dict().values())
    assert model.is_init
    assert model.init_cfg == init

    weights.pop(next(iter(weights)))
    torch.save(weights, tmp_path / 'sevens.pth')
    with pytest.raises(WeightsError, match='fit. The first that do not'):
        build(init_cfg=init).init_weights()
