"""Training in two steps, in real runs: two epochs with the backbone frozen, two with everything."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from layouts import make_cub
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from tiny_run import loader, run_ranks
from torch import Tensor, distributed

pytestmark = pytest.mark.usefixtures('safe_checkpoints')

STEP_1, STEP_2 = 2, 2  # epochs
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=32), dict(type='PackInputs')]


@pytest.fixture(scope='module')
def data_root(tmp_path_factory) -> Path:
    return make_cub(tmp_path_factory.mktemp('data') / 'cub', train_per_class=1)


class Watch(Hook):
    """What each iteration ran with, and the state at the end of each epoch."""

    priority = 'VERY_LOW'

    def __init__(self) -> None:
        self.states: list[dict[str, Tensor]] = []
        self.steps: list[int] = []
        self.with_gradient: list[set[str]] = []
        self.in_training_mode: list[bool] = []

    def before_train(self, runner: Runner) -> None:
        self.model = getattr(runner.model, 'module', runner.model)
        self.after_train_epoch(runner)
        runner.optim_wrapper.optimizer.register_step_pre_hook(self.before_the_optimizer)

    def before_the_optimizer(self, *_: Any) -> None:
        self.with_gradient.append({name for name, param in self.model.named_parameters() if param.grad is not None})
        self.in_training_mode.append(any(module.training for module in self.model.backbone.modules()))

    def after_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        self.steps.append(int(runner.message_hub.get_scalar('train/recipe_step').current()))

    def after_train_epoch(self, runner: Runner) -> None:
        self.states.append({name: value.clone() for name, value in self.model.state_dict().items()})


def train(data_root: Path, work_dir: Path, **changes: Any) -> Watch:
    images = dict(type='lcv_mm.CUB200', data_root=str(data_root), split='train', indices=8, pipeline=PIPELINE)
    model = dict(
        type='lcv_mm.LCVClassifier',
        backbone=dict(type='lcv_mm.ResNetLayers', depth=18, stem_channels=4, base_channels=4),
        neck=dict(type='lcv_mm.ResidualAttention'),
        head=dict(type='lcv_mm.CBPHead', num_classes=200, in_channels=32, out_dim=64),
        variance_loss=dict(type='lcv_mm.ClassVarianceLoss'),
    )
    cfg = dict(
        default_scope='mmpretrain',
        model=model,
        data_preprocessor=dict(mean=[120.0] * 3, std=[60.0] * 3, num_classes=200),
        train_dataloader=loader(images, batch_size=4),
        train_cfg=dict(by_epoch=True, max_epochs=STEP_1 + STEP_2),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1.0, momentum=0.9, weight_decay=1e-6)),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)),
        custom_hooks=[dict(type='lcv_mm.engine.FreezeBackboneHook', epochs=STEP_1)],
        randomness=dict(seed=0),
        work_dir=str(work_dir),
        experiment_name=work_dir.name,
    )
    runner = Runner.from_cfg(Config({**cfg, **changes}))
    watch = Watch()
    runner.register_hook(watch)
    runner.train()
    return watch


def same(a: dict[str, Tensor], b: dict[str, Tensor], names: str = '') -> set[bool]:
    """Whether the tensors of these names are bit-identical: {True}, {False}, or both where some are."""
    assert a.keys() == b.keys()
    return {torch.equal(a[key], b[key]) for key in a if key.startswith(names)}


@pytest.fixture(scope='module')
def whole_run(data_root, tmp_path_factory) -> tuple[Watch, Path]:
    work_dir = tmp_path_factory.mktemp('runs') / 'whole'
    return train(data_root, work_dir), work_dir


def test_step_1_leaves_the_backbone_and_its_running_statistics_bit_for_bit(whole_run):
    start, *ends = whole_run[0].states
    for epoch, end in enumerate(ends, 1):
        assert same(start, end, 'backbone.') == ({True} if epoch <= STEP_1 else {False})
        assert not torch.equal(start['head.fc.weight'], end['head.fc.weight'])


def test_step_1_computes_no_gradient_of_the_backbone(whole_run):
    watch, _ = whole_run
    backbone = {f'backbone.{name}' for name, _ in watch.model.backbone.named_parameters()}
    head = {'head.fc.weight', 'head.fc.bias'}
    assert watch.with_gradient == [head] * 4 + [head | backbone] * 4
    assert watch.in_training_mode == [False] * 4 + [True] * 4
    assert watch.steps == [1] * 4 + [2] * 4


@pytest.mark.parametrize('epoch', [1, 2], ids=['in step 1', 'between'])
def test_a_resumed_run_ends_as_the_one_that_was_not_stopped(epoch, whole_run, data_root, tmp_path):
    watch, work_dir = whole_run
    file = str(work_dir / f'epoch_{epoch}.pth')
    resumed = train(data_root, tmp_path / f'resumed_{epoch}', resume=True, load_from=file)
    assert resumed.steps == watch.steps[2 * epoch :]
    assert same(watch.states[-1], resumed.states[-1]) == {True}


def one_of_two(rank: int, folder: Path, data_root: Path) -> None:
    """A process of two, started by name: trains, and leaves its states behind."""
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2')
    torch.set_num_threads(1)
    distributed.init_process_group('gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2)
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, find_unused_parameters=True)
    watch = train(data_root, folder / 'run', launcher='pytorch', model_wrapper_cfg=wrapper)
    torch.save(watch.states, folder / f'{rank}.pth')
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_keep_equal_weights_in_both_steps(data_root, tmp_path):
    run_ranks(one_of_two, tmp_path, data_root)
    states, other = (torch.load(tmp_path / f'{rank}.pth') for rank in (0, 1))
    for mine, its in zip(states, other, strict=True):
        assert same(mine, its, 'head.') == same(mine, its, 'backbone.conv') == {True}
    assert same(states[0], states[STEP_1], 'backbone.') == {True}
    assert same(states[0], states[-1], 'backbone.conv') == {False}
    # each process saw images of its own, so that what it has learned came from both
    assert not torch.equal(states[-1]['backbone.bn1.running_mean'], other[-1]['backbone.bn1.running_mean'])
