"""Every config in the folder: built, and held against its name."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpretrain.models import ImageClassifier
from mmpretrain.registry import MODELS

from lcv_mm import CBPHead, ClassBalancedBatchSampler, LCVClassifier, ResidualAttention

CONFIGS = sorted((Path(__file__).parents[1] / 'configs').glob('*.py'))
CLASSES = {'cub': 200, 'birdlets': 20}
NAME = re.compile(r'(?P<lcv>lcv_)?(?P<method>cbp)_(?P<backbone>vgg16|resnet18)_(?P<dataset>cub|birdlets)(?P<crop>\d*)')


def test_the_number_of_configs():
    assert len(CONFIGS) == 4


def transform(pipeline, name):
    (found,) = [step for step in pipeline if step.type.__name__ == name]
    return found


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_a_config_is_what_its_name_says(path):
    name = NAME.fullmatch(path.stem)
    assert name is not None
    cfg = Config.fromfile(path)
    model = MODELS.build(cfg.model)

    assert type(model) is (LCVClassifier if name['lcv'] else ImageClassifier)
    assert isinstance(model.head, CBPHead)
    assert model.head.num_classes == CLASSES[name['dataset']] == cfg.data_preprocessor.num_classes
    assert (type(model.backbone).__name__, model.backbone.depth if name['backbone'] == 'resnet18' else 16) == {
        'vgg16': ('VGGLayers', 16),
        'resnet18': ('ResNet', 18),
    }[name['backbone']]
    assert isinstance(model.neck, ResidualAttention) == bool(name['lcv'])
    sampler = cfg.train_dataloader.get('batch_sampler')
    assert (sampler is not None and sampler.type is ClassBalancedBatchSampler) == bool(name['lcv'])

    crop = int(name['crop'] or 112)
    assert transform(cfg.train_dataloader.dataset.pipeline, 'RandomCrop').crop_size == crop
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert transform(loader.dataset.pipeline, 'CenterCrop').crop_size == crop
        assert loader.dataset.split == 'test'
    assert cfg.train_dataloader.dataset.split == 'train'

    with torch.no_grad():
        scores = model.eval()(torch.rand(1, 3, 64, 64))
    assert scores.shape == (1, CLASSES[name['dataset']])


def flat(cfg, prefix=''):
    """A config as {dotted key: value as text}; lists stay whole, their classes as text."""
    items = {}
    for key, value in cfg.items():
        if isinstance(value, dict) and value:
            items |= flat(value, f'{prefix}{key}.')
        else:
            items[prefix + key] = str(value)
    return items


@pytest.mark.parametrize('path', [path for path in CONFIGS if path.stem.startswith('lcv_')], ids=lambda path: path.stem)
def test_an_lcv_config_is_its_baseline_and_the_overlay(path):
    lcv, baseline = (
        flat(Config.fromfile(p).to_dict()) for p in (path, path.with_name(path.stem.removeprefix('lcv_') + '.py'))
    )
    changed = {key for key in lcv.keys() | baseline.keys() if lcv.get(key) != baseline.get(key)}
    changed = {key for key in changed if not key.startswith(('lcv_model.', 'lcv_batch_sampler.'))}
    assert changed
    assert all(
        key == 'model.type'
        or key.startswith(('model.neck.', 'model.variance_loss.', 'train_dataloader.batch_sampler.'))
        for key in changed
    )


def test_the_papers_schedule():
    cfg = Config.fromfile(next(path for path in CONFIGS if path.stem == 'lcv_cbp_vgg16_cub448'))
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.momentum, optimizer.weight_decay) == (
        torch.optim.SGD,
        0.01,
        0.9,
        1e-4,
    )
    assert (cfg.param_scheduler.step_size, cfg.param_scheduler.gamma, cfg.param_scheduler.by_epoch) == (20, 0.1, True)
    assert transform(cfg.train_dataloader.dataset.pipeline, 'ResizeEdge').edge == 'short'
    assert cfg.model.backbone.out_layers == ('relu5_3',)
    assert cfg.model.head.out_dim == 8192


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_a_leaf_is_at_most_a_dozen_lines_behind_its_docstring(path):
    assert len(path.read_text().splitlines()) <= 14
