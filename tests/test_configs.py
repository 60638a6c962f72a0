"""Every config in the folder: built, and held against its row of the paper's tables."""

import functools
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmpretrain.models import ImageClassifier
from mmpretrain.registry import MODELS, PARAM_SCHEDULERS

from lcv_mm import ClassBalancedBatchSampler, LCVClassifier, ResidualAttention
from lcv_mm.engine import FiniteLossHook, FreezeBackboneHook
from lcv_mm.launch import type_name
from lcv_mm.reproduce.paper import PaperRow, comparisons_of, read_rows
from lcv_mm.reproduce.plan import flat_settings

FOLDER = Path(__file__).parents[1] / 'configs'
ROWS = {row.config: row for row in read_rows() if not row.quoted}
QUOTED = {row.config: row for row in read_rows() if row.quoted}
METHODS = {name.partition('_')[0] for name in QUOTED}  # of the quoted rows; what else is true of them is in their rooms
ALL = sorted(
    path
    for place in ('.', 'as_written', 'birdlets', 'ablations', 'small', 'recipes', 'own_images')
    for path in FOLDER.glob(f'{place}/*.py')
)
OWN = [path for path in ALL if path.stem.partition('_')[0] not in METHODS]
CONFIGS, BIRDLETS, ABLATIONS, SMALL, FOR_A_FOLDER = (
    [path for path in OWN if path.parent.name == place]
    for place in ('configs', 'birdlets', 'ablations', 'small', 'own_images')
)
AS_WRITTEN = sorted(FOLDER.glob('as_written/*.py'))
CLASSES = {'cub': 200, 'dogs': 120, 'flower': 17, 'birdlets': 20, 'warblers': 25}
NAME = re.compile(
    r'(?P<lcv>lcv_)?(?P<method>bcnn|cbp|hbp|isqrt|linear)_(?P<backbone>vgg16|resnet18)_(?P<dataset>[a-z]+)(?P<crop>\d*)'
    r'(?P<parts>_attention(_balanced)?)?'
)
HEADS = {'bcnn': 'BCNNHead', 'cbp': 'CBPHead', 'hbp': 'HBPHead', 'isqrt': 'ISQRTCOVHead', 'linear': 'LinearClsHead'}
HBP_LEVELS = {'vgg16': ('relu5_1', 'relu5_2', 'relu5_3'), 'resnet18': ('layer4.0', 'layer4.1.relu1', 'layer4.1')}
all_configs = pytest.mark.parametrize('path', CONFIGS + BIRDLETS + SMALL, ids=lambda path: path.stem)


@functools.cache
def load(path: Path) -> Config:
    """The config; the tests only read it."""
    return Config.fromfile(path)


@functools.cache
def settings(path: Path) -> dict[str, str]:
    """Its settings by their dotted keys."""
    return flat_settings(load(path).to_dict())


def differing(path: Path, other: Path) -> set[str]:
    """Keys of the settings in which two configs differ."""
    ours, theirs = settings(path), settings(other)
    return {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}


def parts_of(path: Path) -> re.Match:
    name = NAME.fullmatch(path.stem)
    assert name is not None, f'{path.name} is not [lcv_]<method>_<backbone>_<dataset><crop>[_attention[_balanced]].py'
    return name


def transform(pipeline, name):
    (found,) = [step for step in pipeline if type_name(step) == name]
    return found


def test_there_is_a_config_of_each_row_and_no_other_beside_them():
    assert {path.stem for path in FOLDER.glob('*.py')} == (ROWS | QUOTED).keys()
    page = (FOLDER / 'README.md').read_text()
    assert [row.config for row in read_rows() if f'({row.config}.py) | {row.paper:.2f} ' not in page] == []
    # no test image chooses an epoch; those of the other rows: below
    assert not any('save_best' in load(FOLDER / f'{config}.py').default_hooks.checkpoint for config in QUOTED)


def test_every_config_of_a_comparison_is_there_and_every_ablation_is_compared():
    comparisons = comparisons_of(path.stem for path in BIRDLETS if path.stem.endswith('birdlets64'))
    compared = {name for comparison in comparisons for name in (comparison.config, comparison.against)}
    assert compared <= {path.stem for path in ALL}
    compared = {name for name in compared if name.partition('_')[0] not in METHODS}
    ablations = {path.stem for path in ABLATIONS}
    assert compared == ablations | {path.stem for path in BIRDLETS if path.stem.endswith('birdlets64')}


@pytest.mark.parametrize(
    ('config', 'parts'),
    [
        *(('ablations/cbp_resnet18_birdlets64', parts) for parts in ('attention', 'balanced')),
        *((f'ablations/{head}_resnet18_birdlets64', 'attention_balanced') for head in ('bcnn', 'cbp', 'hbp')),
        *((f'small/{p.stem.partition("_attention")[0]}', f'attention{p.stem.partition("_attention")[2]}')
          for p in SMALL if '_attention' in p.stem),
    ],
)  # fmt: skip
def test_an_arm_without_the_loss_is_the_baseline_and_the_parts_of_its_name(config, parts):
    folder, name = config.replace('ablations', 'birdlets').split('/')
    path, path_of_lcv = FOLDER / f'{config}_{parts}.py', FOLDER / folder / f'lcv_{name}.py'
    cfg, baseline, lcv = load(path), load(FOLDER / folder / f'{name}.py'), load(path_of_lcv)
    assert cfg.model.head == baseline.model.head
    assert cfg.model.type is ImageClassifier
    assert 'variance_loss' not in cfg.model
    assert cfg.model.get('neck') == (lcv.model.neck if 'attention' in parts else None)
    sampler = cfg.train_dataloader.get('batch_sampler')
    assert sampler == (lcv.train_dataloader.batch_sampler if 'balanced' in parts else None)
    if parts == 'attention_balanced':  # nothing but the loss, and the classifier that computes it, is gone
        changed = differing(path, path_of_lcv)
        assert {key for key in changed if not key.startswith('model.variance_loss.')} == {'model.type'}


@all_configs
def test_a_config_is_what_its_name_says(path):
    name = parts_of(path)
    cfg = load(path)
    classes = CLASSES[name['dataset']]

    assert cfg.model.head.num_classes == classes == cfg.data_preprocessor.num_classes
    assert cfg.model.type is (LCVClassifier if name['lcv'] else ImageClassifier)
    assert cfg.model.head.type.__name__ == HEADS[name['method']]
    assert cfg.model.backbone.depth == int(name['backbone'].strip('vgresnt'))
    assert cfg.model.backbone.type.__name__.startswith({'vgg16': 'VGG', 'resnet18': 'ResNet'}[name['backbone']])
    if name['method'] == 'hbp':
        assert cfg.model.backbone.out_layers == HBP_LEVELS[name['backbone']]
    elif name['backbone'] == 'vgg16':
        assert cfg.model.backbone.out_layers == ('relu5_3',)
    has_attention = bool(name['lcv'] or name['parts'])
    necks = cfg.model.get('neck', [])
    types = [neck.type for neck in (necks if isinstance(necks, list) else [necks])]
    assert (ResidualAttention in types) == has_attention
    sampler = cfg.train_dataloader.get('batch_sampler')
    balanced = bool(name['lcv'] or name['parts'] == '_attention_balanced')
    assert (sampler is not None and sampler.type is ClassBalancedBatchSampler) == balanced

    crop = int(name['crop'] or 112)
    assert transform(cfg.train_dataloader.dataset.pipeline, 'RandomCrop').crop_size == crop
    assert cfg.train_dataloader.dataset.split == 'train'
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert transform(loader.dataset.pipeline, 'CenterCrop').crop_size == crop
        assert loader.dataset.split == 'test'
        assert loader.dataset.type is cfg.train_dataloader.dataset.type


def rates(cfg: Config) -> list[float]:
    """The learning rate of each epoch, as the schedulers give it."""
    optim_wrapper = build_optim_wrapper(torch.nn.Linear(1, 1), cfg.optim_wrapper)
    steps = cfg.param_scheduler if isinstance(cfg.param_scheduler, list) else [cfg.param_scheduler]
    schedulers = [PARAM_SCHEDULERS.build(dict(step, optimizer=optim_wrapper)) for step in steps]
    got = []
    for _ in range(cfg.train_cfg.max_epochs):
        got.append(optim_wrapper.param_groups[0]['lr'])
        optim_wrapper.step()
        for scheduler in schedulers:
            scheduler.step()
    return got


@pytest.mark.parametrize('row', ROWS.values(), ids=lambda row: row.config)
def test_a_row_is_what_its_name_says_trains_its_classifier_and_then_has_the_papers_schedule(row: PaperRow):
    name = parts_of(FOLDER / f'{row.config}.py')
    assert row.method == ('LCV on ' if name['lcv'] else '') + name['method'].upper()
    assert row.backbone.lower().replace('-', '') == name['backbone']
    assert name['dataset'] in row.dataset.lower()
    assert row.crop == int(name['crop'])
    cfg = load(FOLDER / f'{row.config}.py')
    optimizer = cfg.optim_wrapper.optimizer
    assert optimizer.type is torch.optim.SGD
    assert (optimizer.momentum, optimizer.weight_decay) == (0.9, 1e-4)
    assert rates(cfg) == pytest.approx([1.0] * 4 + [0.01] * 16 + [0.001] * 20 + [0.0001] * 20)
    assert cfg.custom_hooks == [dict(type=FreezeBackboneHook, epochs=4)]
    assert cfg.optim_wrapper.clip_grad == dict(max_norm=1.0)
    assert cfg.find_unused_parameters is True
    # no test image chooses an epoch
    assert cfg.train_cfg.val_interval == 10
    assert 'save_best' not in cfg.default_hooks.checkpoint
    assert cfg.model.backbone.init_cfg.checkpoint == f'torchvision://{name["backbone"]}'
    assert transform(cfg.train_dataloader.dataset.pipeline, 'ResizeEdge').edge == 'short'


@pytest.mark.parametrize('path', AS_WRITTEN, ids=lambda path: path.stem)
def test_a_row_as_written_is_the_row_with_one_stage(path):
    row = FOLDER / f'{path.stem.removesuffix("_as_written")}.py'
    changed = {key.partition('.')[0] for key in differing(path, row)}
    assert changed == {'custom_hooks', 'find_unused_parameters', 'optim_wrapper', 'param_scheduler'}
    cfg = load(path)
    assert rates(cfg) == pytest.approx([0.01] * 20 + [0.001] * 20 + [0.0001] * 20)
    assert (cfg.optim_wrapper.get('clip_grad'), cfg.custom_hooks, cfg.find_unused_parameters) == (None, [], False)


@pytest.mark.parametrize(
    'path',
    # a linear classifier has a neck already, to which LCV adds its own
    [p for p in CONFIGS + BIRDLETS + SMALL + FOR_A_FOLDER if p.stem.startswith('lcv_') and 'linear' not in p.stem],
    ids=lambda path: path.stem,
)
def test_an_lcv_config_is_its_baseline_and_the_overlay(path):
    changed = differing(path, path.with_name(path.stem.removeprefix('lcv_') + '.py'))
    overlay = {key for key in settings(path) if key.startswith(('lcv_model.', 'lcv_batch_sampler.'))}
    expected = {key.replace('lcv_model.', 'model.') for key in overlay if key.startswith('lcv_model.')}
    expected |= {key.replace('lcv_', 'train_dataloader.') for key in overlay if key.startswith('lcv_batch_sampler.')}
    assert changed - overlay == expected


@pytest.mark.parametrize('path', ALL, ids=lambda path: path.stem)
def test_a_run_ends_where_a_loss_is_not_finite(path):
    assert load(path).default_hooks.finite_loss.type is FiniteLossHook


# One of each head and backbone, with the classifier at its real size
@pytest.mark.parametrize(
    'config',
    ['lcv_bcnn_vgg16_cub448', 'hbp_vgg16_flower224', 'lcv_hbp_resnet18_cub224', 'own_images/lcv_cbp_resnet50_448'],
)
def test_a_built_model_scores_every_class(config):
    cfg = load(FOLDER / f'{config}.py')
    with torch.no_grad():
        scores = MODELS.build(cfg.model).eval()(torch.rand(1, 3, 64, 64))
    assert scores.shape == (1, cfg.data_preprocessor.num_classes)


@pytest.mark.parametrize('path', SMALL, ids=lambda path: path.stem)
def test_a_config_for_cpus_is_the_rows_recipe_but_for_its_length(path):
    cfg, row = load(path), load(FOLDER / 'cbp_vgg16_flower224.py')
    first = {'isqrt': 0.1, 'linear': 0.01}.get(NAME.match(path.stem)['method'], 1.0)  # longer features: lower rates
    assert cfg.custom_hooks[0] == row.custom_hooks[0]
    assert rates(cfg) == pytest.approx([first] * 4 + [0.01] * 6 + [0.001] * 2)
    changed = {key for key in differing(path, FOLDER / 'cbp_vgg16_flower224.py') if key.startswith('optim_wrapper')}
    assert changed <= {'optim_wrapper.optimizer.lr'}
    assert cfg.model.backbone.init_cfg.checkpoint == f'torchvision://{NAME.match(path.stem)["backbone"]}'
