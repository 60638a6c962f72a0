"""The configs of PHPQ: held against their rows, and the arms of a comparison against each other."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS

from lcv_mm.reproduce.paper import read_rows
from lcv_mm.reproduce.plan import flat_settings

FOLDER = Path(__file__).parents[2] / 'configs'
ROWS = [row for row in read_rows() if row.method == 'PHPQ']
CLASSES = {'CUB-200-2011': 200, 'Stanford Dogs': 120}
LAST_LEVEL = {'model.backbone.out_layers', 'model.neck.in_channels', 'model.neck.out_channels'}
ARMS = {  # config and arm: the settings in which they differ
    ('birdlets/phpq_resnet18_birdlets64', 'ablations/phpq_resnet18_birdlets64_last_level'): LAST_LEVEL,
    ('birdlets/phpq_resnet18_birdlets64', 'ablations/phpq_resnet18_birdlets64_mean_only'): {'model.neck.maximum'},
    ('birdlets/phpq_resnet18_birdlets64', 'ablations/phpq_resnet18_birdlets64_no_projection'): {
        'model.neck.out_channels', 'model.head.in_channels',
    },
    ('small/phpq_vgg16_flower112', 'small/phpq_vgg16_flower112_last_level'): LAST_LEVEL,
}  # fmt: skip


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row.config)
def test_a_row_has_its_classes_crop_backbone_and_64_bits(row):
    cfg = Config.fromfile(FOLDER / f'{row.config}.py')
    assert cfg.model.head.num_classes == cfg.data_preprocessor.num_classes == CLASSES[row.dataset]
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.pipeline[2].crop_size == row.crop
    assert (cfg.model.backbone.depth, cfg.model.head.bits) == (18, 64)
    assert cfg.model.backbone.init_cfg.checkpoint == 'torchvision://resnet18'


@pytest.mark.parametrize('pair', ARMS, ids=lambda pair: pair[1])
def test_an_arm_differs_in_one_thing(pair):
    full, other = (Config.fromfile(FOLDER / f'{name}.py') for name in pair)
    whole, part = flat_settings(full.to_dict()), flat_settings(other.to_dict())
    assert {key for key in whole.keys() | part.keys() if whole.get(key) != part.get(key)} == ARMS[pair]
    model = MODELS.build(other.model).eval()
    with torch.no_grad():
        assert model.head(model(torch.rand(1, 3, 64, 64))).shape == (1, other.data_preprocessor.num_classes)
