"""Right configs pass all checks: the project's own, and a user's in text style."""

from pathlib import Path

import pytest
from lcv_mm.launch.build_errors import config_errors
from lcv_mm.launch.config_check import check_config
from mmengine.config import Config

from lcv_mm.errors import ConfigError
from lcv_mm.launch import load_config, override_config

CONFIGS = sorted((Path(__file__).parents[2] / 'configs').glob('*.py'))
NEEDS = ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper')
TEXT = """
default_scope = 'mmpretrain'
custom_imports = dict(imports=['lcv_mm'])
model = dict(type='LCVClassifier', backbone=dict(type='ResNet', depth=18), neck=dict(type='lcv_mm.ResidualAttention'))
pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='ResizeEdge', scale=256, edge='short'),
    dict(type='RandomCrop', crop_size=300, pad_if_needed=True),
    dict(type='mmpretrain.RandomResizedCrop', scale=224),
    dict(type='CenterCrop', crop_size={crop}),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=8, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='RepeatDataset', times=2, dataset=dict(type='CUB200', data_root='d', pipeline=pipeline)))
train_cfg = dict(by_epoch=True, max_epochs=2, val_interval=1)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-4), paramwise_cfg=dict(norm_decay_mult=0.0))
val_evaluator = [dict(type='Accuracy', topk=(1, 5)), dict(type='SingleLabelMetric')]
default_hooks = dict(checkpoint=dict(type='CheckpointHook', save_best='single-label/f1-score'), logger=None)
my_own_variable = 3
"""


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_the_configs_of_the_project_pass(path):
    before = Config.fromfile(path).to_dict()
    cfg = load_config(path, NEEDS)
    check_config(cfg)
    assert cfg.to_dict() == before


def test_a_users_config_in_text_style_passes(tmp_path):
    (tmp_path / 'c.py').write_text(TEXT.format(crop=224))
    check_config(load_config(tmp_path / 'c.py', NEEDS))


def test_a_crop_of_unknown_size_is_left_to_the_user_and_a_known_one_is_not(tmp_path):
    text = TEXT.format(crop=300)
    (tmp_path / 'c.py').write_text(text)
    check_config(load_config(tmp_path / 'c.py'))  # RandomResizedCrop came between
    (tmp_path / 'd.py').write_text(text.replace("    dict(type='mmpretrain.RandomResizedCrop', scale=224),\n", ''))
    check_config(load_config(tmp_path / 'd.py'))  # 300 by padding
    (tmp_path / 'e.py').write_text(text.replace('crop_size=300, pad_if_needed=True', 'crop_size=300'))
    with pytest.raises(ConfigError, match=r'train_dataloader.dataset.dataset.pipeline.2.crop_size=300'):
        check_config(load_config(tmp_path / 'e.py'))


def test_options_reach_new_keys_lists_and_what_the_runner_looks_up(tmp_path):
    (tmp_path / 'c.py').write_text(TEXT.format(crop=224))
    cfg = load_config(tmp_path / 'c.py')
    override_config(
        cfg, {'model.head.out_dim': 8, 'pipeline.1.scale': 99, 'find_unused_parameters': True, 'my_own_variable': 4}
    )
    assert (cfg.model.head.out_dim, cfg.pipeline[1].scale, cfg.find_unused_parameters) == (8, 99, True)
    assert cfg.my_own_variable == 4


@pytest.mark.parametrize('error', [ValueError('from numpy'), KeyError('key'), RuntimeError('a bug'), TypeError('x')])
def test_an_error_that_is_not_of_the_config_passes_unchanged(error):
    with pytest.raises(type(error)) as caught, config_errors(Config({})):
        raise error
    assert caught.value is error
