"""A Runner is built for any valid config; a model and datasets of different classes are refused."""

import os
from pathlib import Path

import pytest
import torch
from layouts import draw_noise
from mmengine.config import Config
from tiny_run import BIRDLETS

from lcv_mm.errors import ConfigError, DataError
from lcv_mm.launch import build_runner, load_config, override_config

pytestmark = pytest.mark.usefixtures('safe_checkpoints')

TRAINING = ('train_dataloader', 'val_dataloader')
TINY_SWIN = dict(embed_dims=24, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1])
STOCK = {  # a small architecture of the same kind, and its channels
    'swin_transformer/swin-tiny_16xb64_in1k': (TINY_SWIN, 192),
    'mae/benchmarks/vit-base-p16_8xb128-coslr-100e_in1k': ('deit-tiny', 192),
}
FOLDERS = """
default_scope = 'mmpretrain'
model = dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=18), neck=dict(type='GlobalAveragePooling'),
             head=dict(type='LinearClsHead', num_classes=2, in_channels=512))
pipeline = [dict(type='LoadImageFromFile'), dict(type='CenterCrop', crop_size=32), dict(type='PackInputs')]
loader = dict(batch_size=2, num_workers=0, collate_fn=dict(type='default_collate'))
train_dataloader = dict(**loader, sampler=dict(type='DefaultSampler', shuffle=True), dataset=dict(
    type='CustomDataset', data_root={data!r}, data_prefix='train', pipeline=pipeline))
val_dataloader = dict(**loader, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dict(
    type='CustomDataset', data_root={data!r}, data_prefix='val', pipeline=pipeline))
train_cfg = dict(by_epoch=True, max_epochs=1)
val_cfg = dict()
val_evaluator = dict(type='Accuracy', topk=(1,))
optim_wrapper = dict(optimizer=dict(type='Lamb', lr=1e-4))
work_dir = {work!r}
experiment_name = {name!r}
"""


@pytest.fixture
def folders(tmp_path) -> Config:
    """A text-style config of the toolbox's own parts on two classes, 'hawk' and 'owl', in train/ and val/."""
    for split in ('train', 'val'):
        for name in ('hawk', 'owl'):
            for i in range(4):
                draw_noise(tmp_path / 'data' / split / name / f'{i}.png', 40, 40)
    text = FOLDERS.format(data=str(tmp_path / 'data'), work=str(tmp_path / 'work'), name=tmp_path.name)
    (tmp_path / 'c.py').write_text(text)
    return load_config(tmp_path / 'c.py', ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'))


@pytest.mark.parametrize('name', STOCK)
def test_the_stock_configs_of_mmpretrain_are_bases(name, tmp_path):
    arch, channels = STOCK[name]
    options: dict[str, object] = {'model.head.num_classes': 6, 'data_preprocessor.num_classes': 6}
    options |= {'model.head.in_channels': channels, 'model.backbone.init_cfg': None}
    for loader, split in zip(TRAINING, ('train', 'test'), strict=True):
        dataset = dict(type='lcv_mm.Birdlets', data_root=str(tmp_path / 'birdlets'), split=split, pipeline=[])
        options |= {f'{loader}.dataset.{key}': value for key, value in (dataset | BIRDLETS).items()}
        options |= {f'{loader}.num_workers': 0, f'{loader}.persistent_workers': False}
    cfg = load_config(f'mmpretrain::{name}.py', options=options)
    cfg.model.backbone.arch = arch
    cfg.work_dir, cfg.experiment_name = str(tmp_path / 'work'), tmp_path.name
    runner = build_runner(cfg, TRAINING)
    wrapper = runner.build_optim_wrapper(cfg.optim_wrapper)
    assert len(runner.train_loop.dataloader.dataset) == 24
    assert any(group['weight_decay'] == 0 for group in wrapper.optimizer.param_groups)  # by the config's paramwise_cfg


def test_a_wrapper_of_the_toolbox_is_built_in_the_runs_own_scope(folders):
    inner = folders.train_dataloader.dataset
    folders.train_dataloader.dataset = dict(type='KFoldDataset', fold=0, num_splits=2, dataset=inner)
    runner = build_runner(folders, TRAINING)
    runner.train()
    assert runner.iter == 2
    folders.model.head.num_classes = 3
    with pytest.raises(ConfigError, match=r'model.head.num_classes=3, but train_dataloader.dataset has 2 classes'):
        build_runner(folders, TRAINING)


@pytest.mark.parametrize(
    ('settings', 'error', 'message'),
    [
        (
            {'val_dataloader.dataset.metainfo': dict(classes=('owl', 'hawk'))},
            DataError,
            r"class 0 is 'hawk' in one and 'owl' in the other\. Expected .* same order",
        ),
        ({'model.head.num_classes': 5}, ConfigError, '^model.head.num_classes=5, .* has 2 classes; set model.head.*=2'),
        (
            {'data_preprocessor': dict(num_classes=5)},
            ConfigError,
            '^data_preprocessor.num_classes=5, .* has 2 classes; set data_preprocessor.num_classes=2',
        ),
        (
            {'train_dataloader.batch_size': 9, 'train_dataloader.drop_last': True},
            DataError,
            '^train_dataloader: no batch',
        ),
        ({'train_cfg.max_epochs': 0}, ConfigError, r'^train_cfg: expected at least one epoch \(max_epochs\)'),
        ({'runner_type': 'FlexibleRunner'}, ConfigError, "expected MMEngine's Runner"),
        ({'strategy': dict(type='FSDPStrategy')}, ConfigError, "expected MMEngine's Runner"),
    ],
)
def test_a_config_that_contradicts_its_data_or_would_be_half_obeyed_is_refused(folders, settings, error, message):
    folders.merge_from_dict(settings)
    with pytest.raises(error, match=message):
        build_runner(folders, TRAINING)


@pytest.mark.parametrize('prefix', ['train', 'val', 'link', 'linked images'])
def test_images_that_are_both_trained_on_and_scored_are_named(folders, prefix):
    root = Path(folders.train_dataloader.dataset.data_root)
    (root / 'link').symlink_to(root / 'train')
    for file in (root / 'train').glob('*/*'):
        link = root / 'linked images' / file.relative_to(root / 'train')
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)
    folders.val_dataloader.dataset.data_prefix = prefix
    runner = build_runner(folders, TRAINING)
    log = Path(runner.log_dir, f'{runner.timestamp}.log').read_text()
    dataset = runner.train_dataloader.dataset
    image = min(os.path.realpath(dataset.get_data_info(i)['img_path']) for i in range(8))
    warning = f'train_dataloader and val_dataloader share 8 images, such as {image}'
    assert (warning in log) == (prefix != 'val')


@pytest.mark.parametrize('deterministic', [True, False])
def test_a_deterministic_run_needs_no_variable_of_the_environment(folders, deterministic, monkeypatch):
    monkeypatch.delenv('CUBLAS_WORKSPACE_CONFIG', raising=False)
    folders.randomness = dict(seed=0, deterministic=deterministic)
    try:
        runner = build_runner(folders, ('train_dataloader',))
        assert torch.are_deterministic_algorithms_enabled() == deterministic
        assert ('CUBLAS_WORKSPACE_CONFIG' in os.environ) == deterministic  # torch refuses cuBLAS without it
        runner.train()
    finally:
        torch.use_deterministic_algorithms(False)
        os.environ.pop('CUBLAS_WORKSPACE_CONFIG', None)


def test_a_loader_without_workers_keeps_none(folders):
    override_config(folders, {f'{name}.persistent_workers': True for name in TRAINING})
    runner = build_runner(folders, TRAINING)
    assert len(next(iter(runner.train_dataloader))['inputs']) == 2
    assert len(runner.val_dataloader) == 4


def test_a_default_hook_is_switched_off_by_none_whoever_has_made_it(folders):
    folders.default_hooks = dict(logger=None, preemption=None)
    hooks = {type(hook).__name__ for hook in build_runner(folders, TRAINING).hooks}
    assert 'IterTimerHook' in hooks
    assert not hooks & {'LoggerHook', 'PreemptionHook'}
