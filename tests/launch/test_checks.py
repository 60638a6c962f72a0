"""Valid configs pass all checks, what MMEngine ignores is refused, and bugs keep their traceback."""

from pathlib import Path

import pytest
from layouts import draw_noise
from mmengine.config import Config
from mmengine.hooks import Hook
from mmpretrain.registry import DATASETS, HOOKS, MODELS
from tiny_run import tiny_settings
from torch import nn

from lcv_mm.errors import ConfigError, DataError
from lcv_mm.launch import build_runner, config_errors, load_config, override_config
from lcv_mm.launch.checks import check_config

FOLDER = Path(__file__).parents[2] / 'configs'
CONFIGS = sorted([*FOLDER.glob('*.py'), *FOLDER.glob('small/*.py')])
BIRDLETS = 'lcv_cbp_resnet18_birdlets.py'
NEEDS = ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper')
TEXT = """
default_scope = 'mmpretrain'
custom_imports = dict(imports=['lcv_mm'])
model = dict(type='LCVClassifier', backbone=dict(type='ResNet', depth=18), neck=dict(type='lcv_mm.ResidualAttention'))
pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmpretrain.RandomResizedCrop', scale=224),
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
    (tmp_path / 'c.py').write_text(TEXT)
    check_config(load_config(tmp_path / 'c.py', NEEDS))


def test_options_reach_new_keys_lists_and_what_the_runner_looks_up(tmp_path):
    (tmp_path / 'c.py').write_text(TEXT)
    cfg = load_config(tmp_path / 'c.py')
    override_config(
        cfg, {'model.head.out_dim': 8, 'pipeline.1.scale': 99, 'find_unused_parameters': True, 'my_own_variable': 4}
    )
    assert (cfg.model.head.out_dim, cfg.pipeline[1].scale, cfg.find_unused_parameters) == (8, 99, True)
    assert cfg.my_own_variable == 4


@pytest.fixture
def tiny(tmp_path) -> Config:
    cfg = load_config(FOLDER / BIRDLETS)
    override_config(cfg, tiny_settings(tmp_path / 'birdlets') | {'model.head.out_dim': 32})
    cfg.work_dir, cfg.experiment_name = str(tmp_path / 'work'), tmp_path.name
    return cfg


def test_any_hook_can_be_switched_off_and_each_dataset_is_built_once(tiny, monkeypatch):
    off = ['random_seed', 'catch_up_val', 'preemption', 'finite_loss', 'class_distances', 'checkpoint', 'logger']
    kinds = {tiny.default_hooks[name].type for name in off}
    override_config(tiny, {f'default_hooks.{name}': None for name in off})
    built = []
    kind = tiny.train_dataloader.dataset.type
    init = kind.__init__
    monkeypatch.setattr(
        kind, '__init__', lambda self, *args, **kwargs: built.append(self) or init(self, *args, **kwargs)
    )
    runner = build_runner(tiny, ('train_dataloader', 'val_dataloader'))
    assert not kinds & {type(hook) for hook in runner.hooks}
    runner.train()
    assert built == [runner.train_dataloader.dataset, runner.val_dataloader.dataset]
    assert not list(Path(tiny.work_dir).glob('*.pth'))


def test_a_loader_without_workers_keeps_none(tiny):
    override_config(tiny, {f'{name}.persistent_workers': True for name in ('train_dataloader', 'val_dataloader')})
    runner = build_runner(tiny, ('train_dataloader', 'val_dataloader'))
    assert len(next(iter(runner.train_dataloader))['inputs']) == 8
    assert len(next(iter(runner.val_dataloader))['inputs']) == 12


@pytest.mark.parametrize(
    ('setting', 'says'),
    [
        ({'train_cfg.max_epochs': 0}, r'^train_cfg: expected at least one epoch \(max_epochs\)'),
        (
            {'train_cfg': dict(by_epoch=False, max_iters=0), 'param_scheduler': None},
            '^train_cfg: expected at least',
        ),
        ({'runner_type': 'FlexibleRunner'}, "expected MMEngine's Runner"),
        ({'strategy': dict(type='FSDPStrategy')}, "expected MMEngine's Runner"),
    ],
)
def test_what_would_be_half_obeyed_is_refused(tiny, setting, says):
    for key, value in setting.items():
        if '.' in key:
            override_config(tiny, {key: value})
        else:
            tiny[key] = value
    with pytest.raises(ConfigError, match=says):
        build_runner(tiny, ('train_dataloader', 'val_dataloader'))


def test_a_wrapper_of_the_toolbox_is_built_in_the_runs_own_scope(tmp_path):
    for name in ('a', 'b'):
        for i in range(4):
            draw_noise(tmp_path / 'd' / name / f'{i}.png', 40, 40)
    pipeline = "[dict(type='LoadImageFromFile'), dict(type='CenterCrop', crop_size=32), dict(type='PackInputs')]"
    (tmp_path / 'c.py').write_text(f"""
default_scope = 'mmpretrain'
model = dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=18), neck=dict(type='GlobalAveragePooling'),
             head=dict(type='LinearClsHead', num_classes=2, in_channels=512))
train_dataloader = dict(batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'), dataset=dict(type='KFoldDataset', fold=0, num_splits=2,
    dataset=dict(type='CustomDataset', data_root={str(tmp_path / 'd')!r}, pipeline={pipeline})))
train_cfg = dict(by_epoch=True, max_epochs=1)
optim_wrapper = dict(optimizer=dict(type='Lamb', lr=1e-4))
work_dir = {str(tmp_path / 'work')!r}
""")
    cfg = load_config(tmp_path / 'c.py', NEEDS)
    with config_errors(cfg):
        runner = build_runner(cfg, ('train_dataloader', 'val_dataloader'))
        runner.train()
    assert runner.iter == 2
    cfg.model.head.num_classes = 3
    with pytest.raises(ConfigError, match=r'model.head.num_classes=3, but KFoldDataset .* has 2 classes'):
        build_runner(cfg, ('train_dataloader',))


class Ours(nn.Module):
    """A part that fails, or that holds another."""

    def __init__(self, error: Exception | None = None, part: dict | None = None) -> None:
        super().__init__()
        if error is not None:
            raise error
        self.part = part and MODELS.build(part)


@pytest.mark.parametrize('module', ['lcv_mm.models.ours', 'users_own'])
@pytest.mark.parametrize('error', [ValueError('a bug'), TypeError('a bug'), KeyError('a bug'), AssertionError('a bug')])
def test_what_a_part_raises_by_a_bug_keeps_its_traceback_in_any_depth(monkeypatch, module, error):
    monkeypatch.setattr(Ours, '__module__', module)
    cfg = Config(dict(model=dict(type='ImageClassifier', backbone=dict(type=Ours, error=error))))
    with pytest.raises(type(error)) as caught, config_errors(cfg):
        MODELS.build(cfg.model)
    assert caught.value is error


def test_a_refusal_of_our_own_or_of_the_toolbox_gets_the_key_of_the_innermost_part(monkeypatch):
    monkeypatch.setattr(Ours, '__module__', 'lcv_mm.models.ours')
    cfg = Config(dict(model=dict(type=Ours, part=dict(type=Ours, error=ConfigError('depth=3 is not built')))))
    with pytest.raises(ConfigError, match=r'^model.part: depth=3 is not built$'), config_errors(cfg):
        MODELS.build(cfg.model)
    cfg = Config(dict(model=dict(type=Ours, part=dict(type='mmpretrain.ResNet', depth=17))))
    with pytest.raises(ConfigError, match=r'^model.part: .*17') as caught, config_errors(cfg):
        MODELS.build(cfg.model)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_part_without_a_type_is_named_by_its_key():
    cfg = Config(dict(model=dict(depth=18)))
    with pytest.raises(ConfigError, match='^model: expected a dict with a `type`'), config_errors(cfg):
        MODELS.build(cfg.model)


def test_one_setting_at_two_places_is_named_by_both():
    data = dict(type='CustomDataset', data_root='nowhere')
    cfg = Config(dict(val_dataloader=dict(dataset=data), test_dataloader=dict(dataset=data)))
    says = r'^val_dataloader.dataset or test_dataloader.dataset: the data cannot be read'
    with pytest.raises(DataError, match=says), config_errors(cfg):
        DATASETS.build(dict(cfg.val_dataloader.dataset, _scope_='mmpretrain'))


def test_after_the_run_the_registry_is_as_before():
    before = HOOKS.build
    with config_errors(Config({})):
        pass
    assert HOOKS.build == before
    assert isinstance(HOOKS.build(dict(type=Hook)), Hook)
