"""Training in two steps, in real runs: two epochs with the backbone frozen, two with everything."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from tiny_run import loader, run_ranks
from torch import Tensor, distributed, nn

from lcv_mm.errors import ConfigError

STEP_1, STEP_2 = 2, 2  # epochs of two iterations
ROWS = [dict(inputs=row) for row in torch.randn(8, 3, generator=torch.Generator().manual_seed(0))]


class Net(BaseModel):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), nn.ReLU())
        self.head = nn.Linear(4, 1)

    def forward(self, inputs: Tensor, mode: str) -> dict[str, Tensor]:
        return dict(loss=(self.head(self.backbone(inputs)) - 1).square().mean())


class Watch(Hook):
    """What each iteration ran with, and the state at the end of each epoch."""

    priority = 'VERY_LOW'

    def __init__(self) -> None:
        self.states: list[dict[str, Tensor]] = []
        self.iterations: list[tuple[int, set[str], bool]] = []  # step, weights with a gradient, in training mode

    def before_train(self, runner: Runner) -> None:
        self.model = getattr(runner.model, 'module', runner.model)
        self.after_train_epoch(runner)
        runner.optim_wrapper.optimizer.register_step_pre_hook(self.before_the_optimizer)

    def before_the_optimizer(self, *_: Any) -> None:
        self.with_gradient = {name for name, param in self.model.named_parameters() if param.grad is not None}

    def after_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        step = int(runner.message_hub.get_scalar('train/recipe_step').current())
        training = any(module.training for module in self.model.backbone.modules())
        self.iterations.append((step, self.with_gradient, training))

    def after_train_epoch(self, runner: Runner) -> None:
        self.states.append({name: value.clone() for name, value in self.model.state_dict().items()})


def train(work_dir: Path, wrapper: dict | None = None, fixed: bool = False, **changes: Any) -> Watch:
    torch.manual_seed(0)
    model = Net()
    model.backbone[0].requires_grad_(not fixed)
    runner = Runner(
        model,
        str(work_dir),
        train_dataloader=loader(ROWS, batch_size=4),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)),
        custom_hooks=[dict(type='lcv_mm.engine.FreezeBackboneHook', epochs=STEP_1)],
        randomness=dict(seed=0),
        experiment_name=work_dir.name,
        cfg=Config(dict(model_wrapper_cfg=wrapper)),
        **dict(train_cfg=dict(by_epoch=True, max_epochs=STEP_1 + STEP_2)) | changes,
    )
    watch = Watch()
    runner.register_hook(watch)
    runner.train()
    return watch


def same(a: dict[str, Tensor], b: dict[str, Tensor], names: str = '') -> set[bool]:
    """Whether the tensors of these names are bit-identical: {True}, {False}, or both where some are."""
    assert a.keys() == b.keys()
    return {torch.equal(a[key], b[key]) for key in a if key.startswith(names)}


@pytest.fixture(scope='module')
def whole_run(tmp_path_factory) -> tuple[Watch, Path]:
    work_dir = tmp_path_factory.mktemp('runs') / 'whole'
    return train(work_dir), work_dir


def test_step_1_leaves_the_backbone_and_its_running_statistics_bit_for_bit_and_without_gradient(whole_run):
    watch, _ = whole_run
    start, *ends = watch.states
    for epoch, end in enumerate(ends, 1):
        assert same(start, end, 'backbone.') == ({True} if epoch <= STEP_1 else {False})
        assert not torch.equal(start['head.weight'], end['head.weight'])
    head, backbone = ({f'{part}.{name}' for name, _ in getattr(watch.model, part).named_parameters()}
                      for part in ('head', 'backbone'))  # fmt: skip
    assert watch.iterations == [(1, head, False)] * 4 + [(2, head | backbone, True)] * 4


@pytest.mark.parametrize('epoch', [1, 2], ids=['in step 1', 'between'])
def test_a_resumed_run_ends_as_the_one_that_was_not_stopped(epoch, whole_run, safe_checkpoints, tmp_path):
    watch, work_dir = whole_run
    resumed = train(tmp_path / f'resumed_{epoch}', resume=True, load_from=str(work_dir / f'epoch_{epoch}.pth'))
    assert resumed.iterations == watch.iterations[2 * epoch :]
    assert same(watch.states[-1], resumed.states[-1]) == {True}


def test_a_layer_that_the_model_itself_has_fixed_stays_so_in_step_2(tmp_path):
    start, *_, end = train(tmp_path, fixed=True).states
    assert (same(start, end, 'backbone.0'), same(start, end, 'backbone.1')) == ({True}, {False})


def test_a_loop_without_epochs_is_refused(tmp_path):
    with pytest.raises(ConfigError, match='needs a loop of epochs, got IterBasedTrainLoop'):
        train(tmp_path, train_cfg=dict(by_epoch=False, max_iters=2))


def one_of_two(rank: int, folder: Path) -> None:
    """A process of two, started by name: trains, and leaves its states behind."""
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2')
    torch.set_num_threads(1)
    distributed.init_process_group('gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2)
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, find_unused_parameters=True)
    torch.save(train(folder / 'run', wrapper, launcher='pytorch').states, folder / f'{rank}.pth')
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_keep_equal_weights_in_both_steps(tmp_path):
    run_ranks(one_of_two, tmp_path)
    states, other = (torch.load(tmp_path / f'{rank}.pth') for rank in (0, 1))
    for mine, its in zip(states, other, strict=True):
        assert same(mine, its, 'head.') == same(mine, its, 'backbone.0') == {True}
    assert same(states[0], states[STEP_1], 'backbone.') == {True}
    assert same(states[0], states[-1], 'backbone.0') == {False}
    # each process saw images of its own, so that what it has learned came from both
    assert not torch.equal(states[-1]['backbone.1.running_mean'], other[-1]['backbone.1.running_mean'])
