"""Training in two steps, in real runs: two epochs with the backbone frozen, two with everything."""

import os
from contextlib import nullcontext
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
SCHEDULE = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[1], gamma=0.5),
    dict(type='MultiStepLR', by_epoch=True, milestones=[STEP_1], gamma=0.1),
    dict(type='MultiStepParamScheduler', param_name='weight_decay', by_epoch=True, milestones=[STEP_1], gamma=100.0),
]


@pytest.fixture(scope='module')
def data_root(tmp_path_factory) -> Path:
    return make_cub(tmp_path_factory.mktemp('data') / 'cub', train_per_class=1)


class Watch(Hook):
    """What each iteration ran with, and the state at the end of each epoch; may end the run."""

    priority = 'VERY_LOW'

    def __init__(self, stop_before: int | None = None) -> None:
        self.stop_before = stop_before
        self.states: list[dict[str, Tensor]] = []
        self.settings: list[tuple[float, float, float]] = []
        self.with_gradient: list[set[str]] = []
        self.in_training_mode: list[bool] = []

    def before_train(self, runner: Runner) -> None:
        self.states.append(state_of(runner))
        runner.optim_wrapper.optimizer.register_step_pre_hook(lambda *_: self.see_gradients(unwrapped(runner)))

    def see_gradients(self, model: torch.nn.Module) -> None:
        """Just before the optimizer's step."""
        self.with_gradient.append({name for name, param in model.named_parameters() if param.grad is not None})
        self.in_training_mode.append(any(module.training for module in model.backbone.modules()))

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        if runner.iter == self.stop_before:
            raise KeyboardInterrupt
        (group,) = runner.optim_wrapper.param_groups
        step = int(runner.message_hub.get_scalar('train/recipe_step').current())
        self.settings.append((step, group['lr'], group['weight_decay']))

    def after_train_epoch(self, runner: Runner) -> None:
        self.states.append(state_of(runner))


def unwrapped(runner: Runner) -> torch.nn.Module:
    return getattr(runner.model, 'module', runner.model)


def state_of(runner: Runner) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in unwrapped(runner).state_dict().items()}


def config(data_root: Path, work_dir: Path, **changes: Any) -> dict:
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
        param_scheduler=SCHEDULE,
        default_hooks={name: dict(type=f'{name.title()}Hook', interval=1) for name in ('checkpoint', 'logger')},
        custom_hooks=[dict(type='lcv_mm.engine.FreezeBackboneHook', epochs=STEP_1)],
        randomness=dict(seed=0),
        work_dir=str(work_dir),
        experiment_name=work_dir.name,
    )
    return {**cfg, **changes}


def train(cfg: dict, stop_before: int | None = None) -> Watch:
    runner = Runner.from_cfg(Config(cfg))
    watch = Watch(stop_before)
    runner.register_hook(watch)
    with nullcontext() if stop_before is None else pytest.raises(KeyboardInterrupt):
        runner.train()
    return watch


def part(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if key.startswith(f'{name}.')}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> set[bool]:
    """Whether the tensors of two states are bit-identical: {True}, {False}, or both where some are."""
    assert a.keys() == b.keys()
    return {torch.equal(a[key], b[key]) for key in a}


@pytest.fixture(scope='module')
def whole_run(data_root, tmp_path_factory) -> tuple[Watch, Path]:
    work_dir = tmp_path_factory.mktemp('runs') / 'whole'
    return train(config(data_root, work_dir)), work_dir


def test_step_1_leaves_the_backbone_and_its_running_statistics_bit_for_bit(whole_run):
    watch, _ = whole_run
    start, *ends = watch.states
    for epoch, end in enumerate(ends, 1):
        assert same(part(start, 'backbone'), part(end, 'backbone')) == ({True} if epoch <= STEP_1 else {False})
        assert not torch.equal(start['head.fc.weight'], end['head.fc.weight'])


def test_step_1_computes_no_gradient_of_the_backbone(whole_run):
    watch, _ = whole_run
    head = {'head.fc.weight', 'head.fc.bias'}
    counted = ('running', 'num_batches')
    backbone = {name for name in part(watch.states[0], 'backbone') if not any(word in name for word in counted)}
    assert watch.with_gradient == [head] * 4 + [head | backbone] * 4
    assert watch.in_training_mode == [False] * 4 + [True] * 4


def test_each_step_has_its_learning_rate_and_weight_decay(whole_run):
    watch, _ = whole_run
    expected = [(1, 1.0, 1e-6), (1, 0.5, 1e-6), (2, 0.05, 1e-4), (2, 0.05, 1e-4)]  # an epoch has two iterations
    assert watch.settings == [pytest.approx(epoch) for epoch in expected for _ in range(2)]


@pytest.mark.parametrize('stop_before', [3, 4, 7], ids=['step 1', 'between', 'step 2'])
def test_a_resumed_run_ends_as_the_one_that_was_not_stopped(stop_before, whole_run, data_root, tmp_path):
    stopped, work_dir = tmp_path / f'stopped_{stop_before}', tmp_path / f'resumed_{stop_before}'
    train(config(data_root, stopped), stop_before)
    done = stop_before // 2 * 2  # iterations of the epochs that were saved
    last = (stopped / 'last_checkpoint').read_text()
    assert last.endswith(f'epoch_{done // 2}.pth')
    resumed = train(config(data_root, work_dir, resume=True, load_from=last))

    assert resumed.settings == whole_run[0].settings[done:]
    assert same(whole_run[0].states[-1], resumed.states[-1]) == {True}  # so the momentum was loaded too


def one_of_two(rank: int, folder: Path, data_root: Path) -> None:
    """A process of two, started by name: trains, and leaves its states behind."""
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2')
    torch.set_num_threads(1)
    distributed.init_process_group('gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2)
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, find_unused_parameters=True)
    cfg = config(data_root, folder / 'run', launcher='pytorch', model_wrapper_cfg=wrapper)
    cfg['train_dataloader']['batch_size'] = 2
    watch = train(cfg)
    torch.save((watch.states, watch.settings, watch.with_gradient), folder / f'{rank}.pth')
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_keep_equal_weights_in_both_steps(data_root, tmp_path):
    run_ranks(one_of_two, tmp_path, data_root)
    (states, settings, grads), (other, *_) = (torch.load(tmp_path / f'{rank}.pth') for rank in (0, 1))
    assert [step for step, *_ in settings] == [1, 1, 1, 1, 2, 2, 2, 2]
    for mine, its in zip(states, other, strict=True):
        learned = {name for name in mine if 'running' not in name}  # each process has its own running statistics
        assert same({name: mine[name] for name in learned}, {name: its[name] for name in learned}) == {True}
    assert same(part(states[0], 'backbone'), part(states[STEP_1], 'backbone')) == {True}
    assert grads[3] == {'head.fc.weight', 'head.fc.bias'}
    convs = {name: value for name, value in states[0].items() if name.startswith('backbone.') and 'conv' in name}
    assert same(convs, {name: states[-1][name] for name in convs}) == {False}
    # the gradients came from both: with its own images alone, a process's running statistics differ from the other's
    assert same(*({k: v for k, v in s[-1].items() if 'running_mean' in k} for s in (states, other))) == {False}
