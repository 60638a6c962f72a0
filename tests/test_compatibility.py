"""The tables of docs/compatibility.md: each line is tried, and lists what the toolbox has."""

import copy
import inspect
import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.registry import DATA_SAMPLERS as SAMPLERS
from mmengine.registry import DATASETS as WRAPPERS
from mmengine.registry import HOOKS as MM_HOOKS
from mmengine.registry import LOOPS as MM_LOOPS
from mmengine.registry import OPTIM_WRAPPERS as MM_WRAPPERS
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmpretrain.registry import BATCH_AUGMENTS, DATA_SAMPLERS, DATASETS, HOOKS, LOOPS, MODELS, OPTIM_WRAPPERS
from mmpretrain.structures import DataSample, MultiTaskDataSample
from tiny_run import BIRDLETS, loader

from lcv_mm.datasets.birdlets import BirdletsSettings, generate_birdlets
from lcv_mm.engine import ClassDistanceHook
from lcv_mm.errors import ConfigError

PAGE = Path(__file__).parents[1] / 'docs/compatibility.md'
NUMBER = count()
pytestmark = pytest.mark.usefixtures('safe_checkpoints')


def table(section: str) -> dict[str, list[str]]:
    """The cells of each line of a section's table, by the part in its first."""
    text = PAGE.read_text().partition(f'\n## {section}\n')[2].partition('\n## ')[0]
    return {name: cells.split(' | ') for name, cells in re.findall(r'^\| `(\w+)` \| (.*) \|$', text, re.MULTILINE)}


HEADS = table('Heads')
DATA = table('Dataset wrappers and samplers')


def as_the_page_says(cell: str, use: Callable[[], object]) -> None:
    if cell == 'yes':
        use()
        return
    with pytest.raises(ConfigError, match=re.escape(cell.removeprefix('no: '))):
        use()


# -- heads

NARROW = dict(depth=18, stem_channels=8, base_channels=8)  # 64 channels
RESNET = dict(type='ResNet', **NARROW)
POOL = dict(type='GlobalAveragePooling')
LINEAR = dict(in_channels=64, num_classes=3)
LEVELS = dict(type='ResNetLayers', **NARROW, out_layers=('layer4.0', 'layer4.1.relu1', 'layer4.1'))
DEIT = dict(type='DistilledVisionTransformer', arch='deit-tiny', img_size=32, patch_size=16)
# what a head needs beside in_channels and num_classes; its backbone, and a neck or none
PARTS = {
    'BCNNHead': (LINEAR, RESNET, None),
    'CBPHead': (dict(LINEAR, out_dim=64), RESNET, None),
    'ClsHead': ({}, RESNET, POOL),
    'ConformerHead': (dict(in_channels=[256, 384], num_classes=3), dict(type='Conformer', arch='tiny'), None),
    'CSRAClsHead': (dict(LINEAR, num_heads=1, lam=0.1), RESNET, None),
    'DeiTClsHead': (dict(in_channels=192, num_classes=3), DEIT, None),
    'EfficientFormerClsHead': (dict(LINEAR, distillation=False), RESNET, POOL),
    'HBPHead': (dict(LINEAR, in_channels=(64, 64, 64)), LEVELS, None),
    'ISQRTCOVHead': (dict(LINEAR, reduce_channels=16), RESNET, None),
    'LeViTClsHead': (dict(LINEAR, distillation=False), RESNET, POOL),
    'MultiLabelClsHead': ({}, RESNET, POOL),
    'MultiTaskHead': (dict(task_heads=dict(a=dict(type='LinearClsHead', **LINEAR))), RESNET, POOL),
    'LinearRegressionHead': (dict(LINEAR, num_classes=1), RESNET, POOL),
    'RegressionHead': ({}, RESNET, POOL),
    'StackedLinearClsHead': (dict(LINEAR, mid_channels=[16]), RESNET, POOL),
    'VigClsHead': (dict(LINEAR, hidden_dim=16), RESNET, POOL),
}


def samples(head: str) -> list:
    if head == 'MultiTaskHead':
        tasks = [MultiTaskDataSample() for _ in range(4)]
        for sample in tasks:
            sample.set_field(DataSample().set_gt_label(0), 'a')
        return tasks
    if 'Regression' in head:
        return [DataSample().set_gt_score(torch.tensor([0.5])) for _ in range(4)]
    if head in ('CSRAClsHead', 'MultiLabelClsHead', 'MultiLabelLinearClsHead'):
        return [DataSample(metainfo=dict(num_classes=3)).set_gt_label(label) for label in ([0, 1], [2], [0], [1])]
    return [DataSample().set_gt_label(label) for label in (0, 0, 1, 2)]


def model(head: str, kind: str, **settings: object) -> torch.nn.Module:
    options, backbone, neck = PARTS.get(head, (LINEAR, RESNET, POOL))
    torch.manual_seed(0)
    return MODELS.build(dict(type=kind, backbone=backbone, neck=neck, head=dict(type=head, **options), **settings))


def is_of_classifier(name: str, part: type) -> bool:
    """A head of a classifier predicts from features alone; not those of language, retrieval and clusters."""
    others = ('VQAGenerationHead', 'QuantizationHead', 'GCAHead')
    if not name.endswith('Head') or not hasattr(part, 'predict') or name in others:
        return False
    return [*inspect.signature(part.predict).parameters][1] == 'feats'


def test_all_heads_of_classifiers_are_on_the_page():
    there = {name for name, part in MODELS.module_dict.items() if is_of_classifier(name, part)}
    assert there <= {*HEADS}
    assert {*HEADS} - there <= {'RegressionHead', 'LinearRegressionHead'}  # of the maintained release alone


@pytest.mark.parametrize('head', HEADS)
def test_a_head_in_lcv_classifier(head):
    lcv = model(head, 'LCVClassifier', variance_loss=dict(type='ClassVarianceLoss')).train()

    def step() -> None:
        total, log = lcv.parse_losses(lcv.loss(torch.randn(4, 3, 32, 32), samples(head)))
        total.backward()
        torch.testing.assert_close(total, log['loss_cls'] + log['loss_inter'] + log['loss_intra'])

    as_the_page_says(HEADS[head][0], step)


@pytest.mark.parametrize('head', HEADS)
def test_the_distances_before_a_head(head):
    plain = model(head, 'ImageClassifier').train()
    hub = MessageHub.get_instance(f'compatibility_{head}')
    runner = SimpleNamespace(model=plain, message_hub=hub)
    hook = ClassDistanceHook()
    hook.before_train(runner)
    batch = dict(inputs=torch.randn(4, 3, 32, 32), data_samples=samples(head))
    plain.loss(**plain.data_preprocessor(batch, True))
    hook.after_train_iter(runner, 0, batch, {})
    expected = {'train/dist_inter', 'train/dist_intra'} if HEADS[head][1] == 'yes' else set()
    assert {*hub.log_scalars} == expected


# -- batch augmentations

MIXING = table('Batch augmentations')


def test_all_batch_augmentations_are_on_the_page():
    assert {*MIXING} == {*BATCH_AUGMENTS.module_dict}


@pytest.mark.parametrize('name', MIXING)
def test_a_batch_augmentation_with_a_bilinear_head_and_with_lcv_classifier(name):
    mixed = dict(train_cfg=dict(augments=dict(type=name, alpha=1.0)), data_preprocessor=dict(num_classes=3))
    labels = samples('BCNNHead')

    def step() -> None:
        plain = model('BCNNHead', 'ImageClassifier', **mixed).train()
        batch = plain.data_preprocessor(dict(inputs=torch.rand(4, 3, 32, 32), data_samples=labels), True)
        assert max(int((sample.gt_score > 0).sum()) for sample in batch['data_samples']) == 2
        plain.parse_losses(plain.loss(**batch))[0].backward()

    as_the_page_says(MIXING[name][0], step)
    lcv = dict(variance_loss=dict(type='ClassVarianceLoss'), **mixed)
    as_the_page_says(MIXING[name][1], lambda: model('BCNNHead', 'LCVClassifier', **lcv))
    assert MIXING[name][2] == 'no'  # tests/engine/test_class_distance_hook.py


# -- dataset wrappers and samplers

ONE_STAGE = dict(num_stages=1, out_indices=(0,), strides=(1,), dilations=(1,))  # of ResNet-18


@pytest.fixture(scope='module')
def birdlets(tmp_path_factory) -> Path:
    """24 training images, and their lists as a dataset of several labels and as one of several tasks."""
    root = generate_birdlets(tmp_path_factory.mktemp('data') / 'birdlets', BirdletsSettings(**BIRDLETS))
    files = sorted((root / 'images').glob('*/*'))
    for name, label in (('labels', lambda i: [i % 6, (i + 1) % 6]), ('tasks', lambda i: dict(a=i % 6))):
        rows = [dict(img_path=str(file), gt_label=label(i)) for i, file in enumerate(files)]
        meta = dict(classes=[*'abcdef'], tasks=['a'])
        (root / f'{name}.json').write_text(json.dumps(dict(metainfo=meta, data_list=rows)))
    return root


def dataset(name: str, root: Path) -> dict:
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='RandomCrop', crop_size=32),
        dict(type='PackMultiTaskInputs', multi_task_fields=['gt_label']) if name == 'MultiTaskDataset'
        else dict(type='PackInputs'),
    ]  # fmt: skip
    if name in ('MultiLabelDataset', 'MultiTaskDataset'):
        file = 'labels' if name == 'MultiLabelDataset' else 'tasks'
        return dict(type=name, ann_file=str(root / f'{file}.json'), pipeline=pipeline)
    birds = dict(type='Birdlets', data_root=str(root), pipeline=pipeline, **BIRDLETS)
    wrapped = dict(type=name, dataset=birds)
    return {
        'ClassBalancedDataset': dict(wrapped, oversample_thr=0.9),
        'ConcatDataset': dict(type=name, datasets=[birds, birds]),
        'KFoldDataset': wrapped,
        'RepeatDataset': dict(wrapped, times=2),
    }.get(name, birds)


def sampler_of(name: str) -> dict:
    return dict(sampler=dict(type=name)) if name.endswith('Sampler') else {}


def train(name: str, root: Path, work_dir: Path, epochs: int = 2, num_workers: int = 0, **settings: object) -> dict:
    """Batches of 10, so three in an epoch of Birdlets, a checkpoint after each; the model's state at the end."""
    kind = 'MultiLabelLinearClsHead' if name == 'MultiLabelDataset' else 'LinearClsHead'
    head = dict(type=kind, in_channels=16, num_classes=6)
    if name == 'MultiTaskDataset':
        head = dict(type='MultiTaskHead', in_channels=16, task_heads=dict(a=dict(type='LinearClsHead', num_classes=6)))
    loop = settings.pop('loop', dict(type='ResumableTrainLoop', max_epochs=epochs))
    if name == 'InfiniteSampler':
        loop = dict(type='IterBasedTrainLoop', max_iters=3)
    by_epoch = settings.pop('by_epoch', False)
    hooks = [dict(type='PositionalSeedHook'), dict(type='CatchUpValHook'), *settings.pop('hooks', [])]
    if settings.get('val_cfg') is not None:
        test = dict(type='Birdlets', data_root=str(root), split='test', **BIRDLETS)
        test['pipeline'] = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
        settings['val_dataloader'] = loader(test, 12, sampler=dict(type='DefaultSampler', shuffle=False))
        settings['val_evaluator'] = dict(type='Accuracy')
    model = dict(
        type='ImageClassifier',
        backbone=dict(type='ResNetLayers', out_layers=('layer1.1',), stem_channels=16, base_channels=16, **ONE_STAGE),
        neck=POOL,
        head=head | settings.pop('head', {}),
        data_preprocessor=dict(mean=[120.0] * 3, std=[60.0] * 3),
    )
    runner = Runner(
        model,
        str(work_dir),
        train_dataloader=loader(dataset(name, root), 10, num_workers=num_workers, **sampler_of(name)),
        train_cfg=loop,
        optim_wrapper={'optimizer': dict(type='SGD', lr=0.1, momentum=0.9), **settings.pop('optim_wrapper', {})},
        default_hooks=dict(checkpoint=dict(type='SafeCheckpointHook', interval=1, by_epoch=by_epoch), logger=None),
        custom_hooks=hooks,
        randomness=dict(seed=0),
        experiment_name=f'{name}_{next(NUMBER)}',
        default_scope='mmpretrain',
        log_level='ERROR',
        **settings,
    )
    runner.train()
    return runner.model.state_dict() | {'iter': torch.tensor(runner.iter)}


def test_all_wrappers_and_samplers_are_on_the_page():
    known = {*WRAPPERS.module_dict, *SAMPLERS.module_dict, *DATA_SAMPLERS.module_dict}
    known |= {'KFoldDataset', 'MultiLabelDataset', 'MultiTaskDataset'} & {*DATASETS.module_dict}
    assert {*DATA} == known - {'ClassBalancedBatchSampler', 'LabelBalancedSampler', 'NeighborBatchSampler'}  # tests/gca


@pytest.mark.slow
@pytest.mark.parametrize('name', DATA)
def test_a_run_on_it_is_resumed_bit_for_bit(name, birdlets, tmp_path):
    def resume() -> None:
        expected = train(name, birdlets, tmp_path / 'whole')
        middle = sorted((tmp_path / 'whole').glob('iter_*.pth'), key=lambda file: int(file.stem[5:]))
        file = str(middle[len(middle) // 2])  # in the second epoch; in the first: TRIED, below
        found = train(name, birdlets, tmp_path / 'resumed', resume=True, load_from=file, num_workers=1)
        assert [key for key, value in expected.items() if not torch.equal(found[key], value)] == []

    as_the_page_says(DATA[name][0], resume)


@pytest.mark.parametrize('name', DATA)
def test_batches_with_pairs_of_each_class(name, birdlets):
    def batches() -> None:
        pairs = dict(type='ClassBalancedBatchSampler', samples_per_class=2)
        config = loader(dataset(name, birdlets), 4, batch_sampler=pairs, **sampler_of(name))
        samples = next(iter(Runner.build_dataloader(config, seed=0)))['data_samples']
        assert sorted(Counter(int(sample.gt_label) for sample in samples).values()) == [2, 2]

    with DefaultScope.overwrite_default_scope('mmpretrain'):
        as_the_page_says(DATA[name][1], batches)


# -- hooks, optimizer wrappers, schedulers

CONV = [dict(type='LoadImageFromFile'), dict(type='RandomResizedCrop', scale=32), dict(type='PackInputs')]
SOFT = dict(type='LabelSmoothLoss', label_smooth_val=0.1, num_classes=6)
VALIDATED = dict(val_cfg=dict())
# what of it is tried: settings of `train`
TRIED = {
    'EarlyStoppingHook': dict(
        hooks=[dict(type='EarlyStoppingHook', monitor='accuracy/top1', rule='greater', min_delta=100, patience=2)],
        epochs=6,
        **VALIDATED,
    ),
    'EMAHook': dict(hooks=[dict(type='EMAHook', momentum=0.1)], **VALIDATED),
    'FreezeBackboneHook': dict(hooks=[dict(type='FreezeBackboneHook', epochs=1)]),
    'PreciseBNHook': dict(hooks=[dict(type='PreciseBNHook', num_samples=20)]),
    'SetAdaptiveMarginsHook': dict(  # of classes of different sizes
        name='KFoldDataset', hooks=[dict(type='SetAdaptiveMarginsHook')], head=dict(type='ArcFaceClsHead')),
    'SwitchRecipeHook': dict(hooks=[dict(type='SwitchRecipeHook', schedule=[
        dict(action_epoch=2, train_pipeline=CONV, loss=SOFT)])]),
    'OptimWrapper': dict(optim_wrapper=dict(accumulative_counts=2)),
    'CPUAmpOptimWrapper': dict(optim_wrapper=dict(type='CPUAmpOptimWrapper', accumulative_counts=4)),
    'CosineAnnealingLR': dict(param_scheduler=dict(type='CosineAnnealingLR', T_max=2, convert_to_iter_based=True)),
    'CosineAnnealingWeightDecay': dict(
        param_scheduler=dict(type='CosineAnnealingWeightDecay', T_max=2, eta_min=0.1, convert_to_iter_based=True)),
    'OneCycleLR': dict(
        param_scheduler=dict(type='OneCycleLR', eta_max=0.2, total_steps=2, convert_to_iter_based=True)),
    'ReduceOnPlateauLR': dict(
        param_scheduler=dict(
            type='ReduceOnPlateauLR', monitor='accuracy/top1', rule='greater', patience=0, threshold=1e3),
        epochs=4, **VALIDATED),
}  # fmt: skip
STATES = table('Hooks, optimizer wrappers and schedulers')


def test_all_hooks_and_wrappers_are_on_the_page():
    known = {*HOOKS.module_dict, *MM_HOOKS.module_dict, *OPTIM_WRAPPERS.module_dict, *MM_WRAPPERS.module_dict}
    assert {*STATES} >= known
    assert {*STATES} - known <= {*TRIED, 'ColossalAIOptimWrapper', 'DeepSpeedOptimWrapper', 'NPUProfilerHook'}
    assert {name for name, cells in STATES.items() if cells[0] == 'yes'} == {*TRIED}


@pytest.mark.slow
@pytest.mark.parametrize('name', TRIED)
def test_a_run_with_it_is_resumed_bit_for_bit(name, birdlets, tmp_path):
    run = {'name': 'Birdlets', 'root': birdlets, **TRIED[name]}
    expected = train(work_dir=tmp_path / 'whole', **copy.deepcopy(run))
    done = int(expected['iter'])
    for number in (1, done - 2):  # in the first epoch and in the last, at an odd and an even iteration
        file = str(tmp_path / f'whole/iter_{number}.pth')
        found = train(work_dir=tmp_path / f'{number}', resume=True, load_from=file, **copy.deepcopy(run))
        assert [key for key, value in expected.items() if not torch.equal(found[key], value)] == []


# -- loops

TRAIN_LOOPS = {name: cells for name, cells in table('Loops').items() if 'Train' in name}


def test_all_loops_are_on_the_page():
    assert {*table('Loops')} >= {*LOOPS.module_dict, *MM_LOOPS.module_dict}


@pytest.mark.slow
@pytest.mark.parametrize('name', TRAIN_LOOPS)
def test_a_run_of_it_is_resumed_bit_for_bit(name, birdlets, tmp_path):
    length = dict(max_iters=3) if name == 'IterBasedTrainLoop' else dict(max_epochs=2)
    loop = dict(type=name, **length)

    def resume() -> None:
        expected = train('Birdlets', birdlets, tmp_path / 'whole', loop=loop, by_epoch=True)
        file = str(tmp_path / 'whole/epoch_1.pth')
        found = train('Birdlets', birdlets, tmp_path / 'resumed', loop=loop, resume=True, load_from=file)
        assert [key for key, value in expected.items() if not torch.equal(found[key], value)] == []

    as_the_page_says(TRAIN_LOOPS[name][0], resume)
