"""Both stages by the real Runner on drawn images: files on disk, and runs that are resumed."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from lcv_mm.gca import DINOVisionTransformer, LabelBalancedSampler

CONFIGS = Path(__file__).parents[2] / 'configs'
EPOCHS = 3
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures('safe_checkpoints')]


def shrunk(name: str, folder: Path, work_dir: str) -> Config:
    """A config of CUB on 24 Birdlets of 6 classes at 32 pixels, 3 known, with a transformer of two small blocks."""
    cfg = Config.fromfile(next(CONFIGS.rglob(f'{name}.py')))
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if cfg.get(loader) is None:
            continue
        cfg[loader].update(batch_size=8, num_workers=0, persistent_workers=False, pin_memory=False)
        cfg[loader].dataset.num_known = 3
        source = cfg[loader].dataset.dataset
        source.update(type='Birdlets', data_root=str(folder / 'birdlets'), num_classes=6, train_per_class=4)
        source.update(test_per_class=1, image_size=32)
    for pipeline in (cfg.train_dataloader.dataset.dataset.pipeline, cfg.test_pipeline):
        pipeline[1].scale = 36
        pipeline[2]['crop_size' if 'crop_size' in pipeline[2] else 'scale'] = 32
    if cfg.get('val_dataloader') is not None:
        cfg.val_dataloader.dataset.dataset.pipeline = cfg.test_pipeline
    arch = dict(embed_dims=12, num_layers=2, num_heads=3, feedforward_channels=24)
    cfg.model.backbone.update(type=DINOVisionTransformer, arch=arch, img_size=32, frozen_stages=1, init_cfg=None)
    cfg.model.head.in_channels = 12
    if name.startswith('gca_base'):
        cfg.model.head.out_channels = 50
    cfg.data_preprocessor.num_classes = 6
    cfg.train_cfg.max_epochs = EPOCHS
    cfg.default_hooks.logger.interval = 1
    cfg.default_hooks.checkpoint.update(interval=1, by_epoch=False, max_keep_ckpts=-1)
    cfg.work_dir = str(folder / work_dir)
    cfg.experiment_name = f'{name}_{work_dir}'
    return cfg


def gca(folder: Path, work_dir: str) -> Config:
    cfg = shrunk('gca_vitb16_cub448', folder, work_dir)
    cfg.model.head.update(num_clusters=6, num_images=24, num_small_clusters=10, num_heads=2, num_neighbors=3)
    init = dict(type='Pretrained', checkpoint=str(folder / 'base' / 'iter_9.pth'), prefix='backbone.')
    cfg.model.backbone.init_cfg = init
    for hook in cfg.custom_hooks:
        hook.update(pipeline=cfg.test_pipeline, batch_size=10)
    cfg.custom_hooks[0].begin = 2
    cfg.train_cfg.update(val_begin=1, val_interval=1)
    return cfg


@pytest.fixture(scope='module')
def never_stopped(tmp_path_factory) -> Path:
    """The folder of two runs: the base stage, and GCA from it."""
    folder = tmp_path_factory.mktemp('gca')
    Runner.from_cfg(shrunk('gca_base_vitb16_cub448', folder, 'base')).train()
    Runner.from_cfg(gca(folder, 'never_stopped')).train()
    return folder


def weights_of(file: Path) -> dict[str, torch.Tensor]:
    return torch.load(file, weights_only=False)['state_dict']


def test_the_base_trains_the_last_block_and_gca_starts_from_it(never_stopped):
    base = {name: weights_of(never_stopped / 'base' / f'iter_{i}.pth') for name, i in (('first', 1), ('last', 9))}
    moved = {name for name, value in base['last'].items() if not torch.equal(value, base['first'][name])}
    assert {name for name in moved if name.startswith('backbone')} == {
        name for name in base['last'] if name.startswith('backbone.layers.1.')
    }
    sampler = Config.fromfile(CONFIGS / 'recipes/gca_base_vitb16_cub448.py').train_dataloader.sampler
    assert sampler.type is LabelBalancedSampler
    ours = weights_of(never_stopped / 'never_stopped' / 'iter_1.pth')
    assert torch.equal(ours['backbone.layers.0.ln1.weight'], base['last']['backbone.layers.0.ln1.weight'])
    assert torch.equal(ours['backbone.cls_token'], base['last']['backbone.cls_token'])
    stages = [int(weights_of(never_stopped / f'never_stopped/iter_{i}.pth')['head.stage']) for i in (1, 6, 7)]
    assert stages == [1, 1, 2]


@pytest.mark.parametrize('iteration', [6, 7])
def test_a_resumed_run_ends_bit_for_bit_as_one_that_was_never_stopped(never_stopped, iteration):
    """Stopped after the last batch of the epoch that joins clusters, and in the one after."""
    cfg = gca(never_stopped, f'resumed_{iteration}')
    cfg.load_from, cfg.resume = str(never_stopped / 'never_stopped' / f'iter_{iteration}.pth'), True
    runner = Runner.from_cfg(cfg)
    runner.train()
    expected, found = (weights_of(never_stopped / run / 'iter_9.pth') for run in ('never_stopped', cfg.work_dir))
    assert expected.keys() == found.keys()
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []
    assert (runner.train_dataloader.batch_sampler.neighbors == found['head.neighbors'].numpy()).all()
    metrics = {f'val/cluster_accuracy/{part}' for part in ('All', 'Old', 'New')}
    assert metrics <= runner.message_hub.log_scalars.keys()
