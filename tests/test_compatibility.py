"""What goes together.

`python tests/test_compatibility.py` writes the table of heads into docs/mmpretrain.md.
"""

import copy
import re
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.runner import Runner
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample, MultiTaskDataSample
from tiny_run import BIRDLETS, loader

from lcv_mm.datasets.birdlets import BirdletsSettings, generate_birdlets
from lcv_mm.engine import ClassDistanceHook
from lcv_mm.errors import ConfigError

PAGE = Path(__file__).parents[1] / 'docs/mmpretrain.md'
NUMBER = count()
pytestmark = pytest.mark.usefixtures('safe_checkpoints')


# -- heads

NARROW = dict(depth=18, stem_channels=8, base_channels=8)  # 64 channels
RESNET = dict(type='ResNet', **NARROW)
POOL = dict(type='GlobalAveragePooling')
LINEAR = dict(in_channels=64, num_classes=3)
LEVELS = dict(type='ResNetLayers', **NARROW, out_layers=('layer4.0', 'layer4.1.relu1', 'layer4.1'))
DEIT = dict(type='DistilledVisionTransformer', arch='deit-tiny', img_size=32, patch_size=16)
SEVERAL, SCORES = 'no: several labels', 'no: one `gt_label` each'
LISTS = 'no: expected one tensor per level'
# whether it stands in LCVClassifier; what it needs beside in_channels and num_classes; its backbone, and a neck or none
HEADS = {
    'ArcFaceClsHead': ('yes', LINEAR, RESNET, POOL),
    'BCNNHead': ('yes', LINEAR, RESNET, None),
    'CBPHead': ('yes', dict(LINEAR, out_dim=64), RESNET, None),
    'ClsHead': ('yes', {}, RESNET, POOL),
    'ConformerHead': (
        LISTS, dict(in_channels=[256, 384], num_classes=3), dict(type='Conformer', arch='tiny'), None),
    'CSRAClsHead': (SEVERAL, dict(LINEAR, num_heads=1, lam=0.1), RESNET, None),
    'DeiTClsHead': (LISTS, dict(in_channels=192, num_classes=3), DEIT, None),
    'EfficientFormerClsHead': ('yes', dict(LINEAR, distillation=False), RESNET, POOL),
    'HBPHead': ('yes', dict(LINEAR, in_channels=(64, 64, 64)), LEVELS, None),
    'ISQRTCOVHead': ('yes', dict(LINEAR, reduce_channels=16), dict(RESNET, strides=(1, 2, 2, 1)), None),  # 2 x 2
    'LeViTClsHead': ('yes', dict(LINEAR, distillation=False), RESNET, POOL),
    'LinearClsHead': ('yes', LINEAR, RESNET, POOL),
    'LinearRegressionHead': (SCORES, dict(LINEAR, num_classes=1), RESNET, POOL),
    'MultiLabelClsHead': (SEVERAL, {}, RESNET, POOL),
    'MultiLabelLinearClsHead': (SEVERAL, LINEAR, RESNET, POOL),
    'MultiTaskHead': (
        'no: several tasks', dict(task_heads=dict(a=dict(type='LinearClsHead', **LINEAR))), RESNET, POOL),
    'RegressionHead': (SCORES, {}, RESNET, POOL),
    'StackedLinearClsHead': ('yes', dict(LINEAR, mid_channels=[16]), RESNET, POOL),
    'VigClsHead': ('yes', dict(LINEAR, hidden_dim=16), RESNET, POOL),
    'VisionTransformerClsHead': ('yes', LINEAR, RESNET, POOL),
}  # fmt: skip


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
    _, options, backbone, neck = HEADS[head]
    torch.manual_seed(0)
    return MODELS.build(dict(type=kind, backbone=backbone, neck=neck, head=dict(type=head, **options), **settings))


@pytest.mark.parametrize('head', HEADS)
def test_lcv_classifier_trains_with_a_head_or_says_why_not(head):
    lcv = model(head, 'LCVClassifier', variance_loss=dict(type='ClassVarianceLoss')).train()

    def step() -> None:
        total, log = lcv.parse_losses(lcv.loss(torch.randn(4, 3, 32, 32), samples(head)))
        total.backward()
        torch.testing.assert_close(total, log['loss_cls'] + log['loss_inter'] + log['loss_intra'])

    if HEADS[head][0] == 'yes':
        step()
    else:
        with pytest.raises(ConfigError, match=HEADS[head][0].removeprefix('no: ')):
            step()


@pytest.mark.parametrize('head', HEADS)
def test_distances_are_logged_before_the_heads_of_the_table(head):
    plain = model(head, 'ImageClassifier').train()
    hub = MessageHub.get_instance(f'compatibility_{head}')
    runner = SimpleNamespace(model=plain, message_hub=hub)
    hook = ClassDistanceHook()
    hook.before_train(runner)
    batch = dict(inputs=torch.randn(4, 3, 32, 32), data_samples=samples(head))
    plain.loss(**plain.data_preprocessor(batch, True))
    hook.after_train_iter(runner, 0, batch, {})
    expected = {'train/dist_inter', 'train/dist_intra'} if HEADS[head][0] == 'yes' else set()
    assert {*hub.log_scalars} == expected


# -- batch augmentations


@pytest.mark.parametrize('name', ['CutMix', 'Mixup'])
def test_a_batch_augmentation_goes_with_a_bilinear_head_and_is_refused_by_lcv_classifier(name):
    mixed = dict(train_cfg=dict(augments=dict(type=name, alpha=1.0)), data_preprocessor=dict(num_classes=3))
    plain = model('BCNNHead', 'ImageClassifier', **mixed).train()
    batch = plain.data_preprocessor(dict(inputs=torch.rand(4, 3, 32, 32), data_samples=samples('BCNNHead')), True)
    assert max(int((sample.gt_score > 0).sum()) for sample in batch['data_samples']) == 2
    plain.parse_losses(plain.loss(**batch))[0].backward()
    lcv = dict(variance_loss=dict(type='ClassVarianceLoss'), **mixed)
    with pytest.raises(ConfigError, match=re.escape('remove Mixup and CutMix with model.train_cfg=None')):
        model('BCNNHead', 'LCVClassifier', **lcv)


# -- dataset wrappers and samplers

ONE_STAGE = dict(num_stages=1, out_indices=(0,), strides=(1,), dilations=(1,))  # of ResNet-18


@pytest.fixture(scope='module')
def birdlets(tmp_path_factory) -> Path:
    """24 training images."""
    return generate_birdlets(tmp_path_factory.mktemp('data') / 'birdlets', BirdletsSettings(**BIRDLETS))


WRAPPED = {
    'Birdlets': lambda birds: (birds, {}),
    'KFoldDataset': lambda birds: (dict(type='KFoldDataset', dataset=birds), {}),
    'both': lambda birds: (
        dict(type='RepeatDataset', dataset=birds, times=2),
        dict(sampler=dict(type='RepeatAugSampler')),
    ),
}


def train(name: str, root: Path, work_dir: Path, epochs: int = 2, num_workers: int = 0, **settings: object) -> dict:
    """Batches of 10, so three in an epoch of Birdlets, a checkpoint after each; the model's state at the end."""
    head = dict(type='LinearClsHead', in_channels=16, num_classes=6)
    pipeline = [dict(type='LoadImageFromFile'), dict(type='RandomCrop', crop_size=32), dict(type='PackInputs')]
    dataset, sampler = WRAPPED[name](dict(type='Birdlets', data_root=str(root), pipeline=pipeline, **BIRDLETS))
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
        train_dataloader=loader(dataset, 10, num_workers=num_workers, **sampler),
        train_cfg=dict(type='ResumableTrainLoop', max_epochs=epochs),
        optim_wrapper={'optimizer': dict(type='SGD', lr=0.1, momentum=0.9), **settings.pop('optim_wrapper', {})},
        default_hooks=dict(checkpoint=dict(type='SafeCheckpointHook', interval=1, by_epoch=False), logger=None),
        custom_hooks=hooks,
        randomness=dict(seed=0),
        experiment_name=f'{name}_{next(NUMBER)}',
        default_scope='mmpretrain',
        log_level='ERROR',
        **settings,
    )
    runner.train()
    return runner.model.state_dict() | {'iter': torch.tensor(runner.iter)}


# what is tried of datasets, samplers, hooks, optimizer wrappers and schedulers, several at once: settings of `train`
CONV = [dict(type='LoadImageFromFile'), dict(type='RandomResizedCrop', scale=32), dict(type='PackInputs')]
SWITCH = dict(
    action_epoch=2, train_pipeline=CONV, loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1, num_classes=6)
)
MONITOR = dict(monitor='accuracy/top1', rule='greater')
TRIED = {
    'RepeatDataset, RepeatAugSampler, SwitchRecipeHook, accumulation': dict(
        name='both', hooks=[dict(type='SwitchRecipeHook', schedule=[SWITCH])], optim_wrapper=dict(accumulative_counts=2)
    ),
    'KFoldDataset, FreezeBackboneHook, SetAdaptiveMarginsHook': dict(
        name='KFoldDataset',
        hooks=[dict(type='FreezeBackboneHook', epochs=1), dict(type='SetAdaptiveMarginsHook')],
        head=dict(type='ArcFaceClsHead'),
    ),
    'EMAHook, EarlyStoppingHook, ReduceOnPlateauLR, CPUAmpOptimWrapper': dict(
        hooks=[
            dict(type='EMAHook', momentum=0.1),
            dict(type='EarlyStoppingHook', min_delta=100, patience=2, **MONITOR),
        ],
        param_scheduler=dict(type='ReduceOnPlateauLR', patience=0, threshold=1e3, **MONITOR),
        optim_wrapper=dict(type='CPUAmpOptimWrapper', accumulative_counts=4),
        epochs=6,
        val_cfg=dict(),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize('name', TRIED)
def test_a_run_with_these_parts_is_resumed_bit_for_bit(name, birdlets, tmp_path):
    """What an epoch of each dataset and sampler feeds: tests/engine/test_positional_seed_hook.py."""
    run = {'name': 'Birdlets', 'root': birdlets, **TRIED[name]}
    expected = train(work_dir=tmp_path / 'whole', **copy.deepcopy(run))
    file = str(tmp_path / f'whole/iter_{int(expected["iter"]) - 1}.pth')  # within the last epoch, between two steps
    found = train(work_dir=tmp_path / 'resumed', resume=True, load_from=file, num_workers=1, **copy.deepcopy(run))
    assert [key for key, value in expected.items() if not torch.equal(found[key], value)] == []


# -- the page


def with_table(page: str) -> str:
    """The page with the table of heads as it is tried here."""
    rows = ['| head | in `LCVClassifier` | distances by `ClassDistanceHook` |', '|---|---|---|']
    rows += [f'| `{name}` | {cell} | {cell[:3].strip(": ")} |' for name, (cell, *_) in HEADS.items()]
    before, title, rest = page.partition('\n## Heads\n')
    above, below = re.split(r'(?:^\|.*\n)+', rest, maxsplit=1, flags=re.MULTILINE)
    return before + title + above + '\n'.join([*rows, '']) + below


def test_the_page_has_this_table():
    assert with_table(PAGE.read_text()) == PAGE.read_text(), f'run python {__file__}'


if __name__ == '__main__':
    PAGE.write_text(with_table(PAGE.read_text()))
