"""The recipes of today's backbones: each is built, narrow or short, and trained for a step on small images."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmpretrain.registry import DATASETS, MODELS
from mmpretrain.structures import DataSample
from scipy.io import savemat

from lcv_mm import CBPHead, ClassBalancedBatchSampler, LCVClassifier, ResidualAttention
from lcv_mm.engine import FreezeBackboneHook
from lcv_mm.launch import load_config

ROOT = Path(__file__).parents[1]
RECIPES = sorted(path for path in (ROOT / 'configs/recipes').glob('*.py') if not path.stem.startswith('gca_'))
NAME = re.compile(
    r'(?P<lcv>lcv_)?(?P<head>cbp_|isqrt_)?(?P<backbone>[a-z]+50|[a-z0-9]+_[a-z0-9]+)_(?P<dataset>\w+?)_?448'
)
CLASSES = {'cub': 200, 'cars': 196, 'aircraft': 100, 'flowers102': 102}
# the same channels with one block a stage; images of 64, or of 56 for patches of 14
SHORT = {
    'resnet50': {},
    'convnext_base': dict(arch=dict(depths=[1, 1, 1, 1], channels=[128, 256, 512, 1024])),
    'swin_base': dict(
        arch=dict(embed_dims=128, depths=[1, 1, 1, 1], num_heads=[4, 8, 16, 32]), img_size=64, pad_small_map=True
    ),
    'dinov2_vitb14': dict(
        arch=dict(embed_dims=768, num_layers=1, num_heads=12, feedforward_channels=3072), img_size=56
    ),
}
each = pytest.mark.parametrize('path', RECIPES, ids=lambda path: path.stem)


@each
def test_a_recipe_is_what_its_name_says(path):
    name = NAME.fullmatch(path.stem)
    cfg = load_config(path, ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'))
    assert cfg.model.head.num_classes == cfg.data_preprocessor.num_classes == CLASSES[name['dataset']]
    assert (cfg.model.head.type is CBPHead) == (name['head'] == 'cbp_')
    assert (cfg.model.type is LCVClassifier) == bool(name['lcv'])
    neck = cfg.model.get('neck')
    first = neck[0] if isinstance(neck, list) else neck
    assert (first is not None and first.type is ResidualAttention) == bool(name['lcv'])
    assert (cfg.train_dataloader.get('batch_sampler') is not None) == bool(name['lcv'])
    if name['lcv']:
        assert cfg.train_dataloader.batch_sampler.type is ClassBalancedBatchSampler
    assert cfg.test_dataloader.dataset.split == 'test'


@pytest.mark.slow
@pytest.mark.parametrize(
    'path', [path for path in RECIPES if path.stem.endswith('_cub448')], ids=lambda path: path.stem
)
def test_a_recipe_trains_for_a_step(path):
    backbone = NAME.fullmatch(path.stem)['backbone']
    cfg = Config.fromfile(path)
    cfg.model.backbone.update(init_cfg=None, **SHORT[backbone])
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    optim = build_optim_wrapper(model, cfg.optim_wrapper)
    size = SHORT[backbone].get('img_size', 64)
    samples = [DataSample().set_gt_label(label) for label in (0, 0, 1, 1)]
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    total, log = model.parse_losses(model.loss(torch.randn(4, 3, size, size), samples))
    optim.update_params(total)
    assert torch.isfinite(total)
    assert ('loss_intra' in log) == path.stem.startswith('lcv_')
    moved = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert {'head.fc.weight', next(iter(before))} <= moved | {'backbone.cls_token'}
    rate_of = {id(value): group['lr'] for group in optim.param_groups for value in group['params']}
    rates = {name: rate_of[id(value)] for name, value in model.named_parameters() if id(value) in rate_of}
    others = rates[min(set(rates) - {'head.fc.weight', 'head.fc.bias'})]
    if 'cbp' not in path.stem:
        assert rates['head.fc.weight'] == pytest.approx(10 * others)
    elif backbone == 'resnet50':  # the recipe of the rows, whose step 1 has one rate
        assert (rates['head.fc.weight'], cfg.custom_hooks[0].type) == (1.0, FreezeBackboneHook)
    else:
        assert rates['head.fc.weight'] == pytest.approx(100 * others)


def test_the_datasets_read_the_layouts_of_their_archives(tmp_path):
    cars, aircraft, flowers = (tmp_path / name for name in ('cars', 'aircraft', 'flowers'))
    for folder in (cars, aircraft / 'data', flowers):
        folder.mkdir(parents=True)
    annotations = dict(relative_im_path=['car_ims/1.jpg', 'car_ims/2.jpg'], **{'class': [3, 196], 'test': [0, 1]})
    savemat(cars / 'cars_annos.mat', dict(annotations=annotations))
    (aircraft / 'data/images_variant_trainval.txt').write_text('12 707-320\n')
    (aircraft / 'data/images_variant_test.txt').write_text('34 Yak-42\n')
    savemat(flowers / 'imagelabels.mat', dict(labels=[1, 102, 7, 8, 9, 10]))
    savemat(flowers / 'setid.mat', dict(trnid=[1, 4], valid=[2, 5], tstid=[3, 6]))
    found = {}
    for name, root in (('cars448', cars), ('aircraft448', aircraft), ('flowers102_448', flowers)):
        cfg = Config.fromfile(ROOT / f'configs/recipes/lcv_resnet50_{name}.py')
        for split in ('train', 'test'):
            part = DATASETS.build(cfg[f'{split}_dataloader'].dataset | dict(data_root=str(root), lazy_init=False))
            found[name, split] = [part.get_data_info(i)['gt_label'] for i in range(len(part))]
    assert found == {
        ('cars448', 'train'): [2], ('cars448', 'test'): [195],
        ('aircraft448', 'train'): [0], ('aircraft448', 'test'): [99],
        ('flowers102_448', 'train'): [0, 7, 101, 8], ('flowers102_448', 'test'): [6, 9],
    }  # fmt: skip
