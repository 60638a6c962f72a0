"""A run whose losses, weights or scores are NaN or infinite ends, and its last good checkpoint stays."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from lcv_mm.errors import TrainingError

EPOCH = 4  # iterations
INF, NAN = math.inf, math.nan


class Planned(BaseModel):
    """A linear layer with a norm, whose loss has terms as planned for each iteration.

    Args:
        plan (dict): {iteration from 1: {term: value added to it, without a gradient}}.
        broken_in (int, optional): Iteration from 1 that leaves NaN in `broken`.
        broken (str): Name in the state dict.
    """

    def __init__(self, plan: dict, broken_in: int | None = None, broken: str = 'linear.weight') -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2, bias=False)
        self.norm = nn.BatchNorm1d(2)
        self.plan, self.broken_in, self.broken = plan, broken_in, broken
        self.iteration = 0

    def train_step(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        log_vars = super().train_step(*args, **kwargs)
        if self.iteration == self.broken_in:
            self.state_dict()[self.broken][0] = NAN
        return log_vars

    def forward(self, inputs: list[Tensor], mode: str = 'tensor') -> dict[str, Tensor]:
        self.iteration += 1
        out = self.norm(self.linear(torch.stack(inputs)))
        terms = self.plan.get(self.iteration, {})
        losses = {'loss_cls': (out - 1).square().mean(), 'loss_inter': self.linear.weight.square().mean()}
        losses = {name: value + terms.get(name, 0.0) for name, value in losses.items()}
        return {**losses, 'dist_inter': torch.tensor(terms.get('dist_inter', 1.0))}


def run(work_dir: Path, plan: dict | None = None, lr: float = 0.01, patience: int = 3, **changes: Any) -> Runner:
    """Three epochs of four iterations; what breaks the model is in `model`."""
    rows = [{'inputs': torch.tensor([i, 1.0 - i])} for i in range(2 * EPOCH)]
    cfg = dict(
        train_dataloader=dict(batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler'), dataset=rows),
        train_cfg=dict(by_epoch=True, max_epochs=3),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=lr)),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=1),
            finite_loss=dict(type='lcv_mm.engine.FiniteLossHook', patience=patience),
        ),
        work_dir=str(work_dir),
        experiment_name=work_dir.parent.name,
    )
    model = changes.pop('model', None) or Planned(plan or {})
    cfg.update(changes)
    runner = Runner(model=model, cfg=Config(cfg), **cfg)
    runner.train()
    return runner


def test_a_row_of_losses_that_are_not_finite_ends_the_run_and_says_where_and_what(tmp_path):
    plan = {6: {'loss_inter': INF}, 7: {'loss_cls': NAN}, 8: {'loss_cls': NAN}, 9: {}}
    with pytest.raises(TrainingError) as caught:
        run(tmp_path / 'run', plan)
    kept = tmp_path / 'run' / 'epoch_1.pth'
    message = str(caught.value)
    assert 'first in iteration 6 (epoch 2): loss=inf' in message
    assert 'loss_cls=nan' not in message  # the first of the row says what began it
    assert f'The last good checkpoint is kept: {kept}.' in message
    assert kept.is_file()


def test_an_overflow_now_and_then_is_tolerated_and_a_distance_of_no_pair_is_no_loss(tmp_path):
    plan = {i: {'dist_inter': NAN} for i in range(1, 3 * EPOCH + 1)}
    plan |= {i: {'loss_cls': NAN} for i in (1, 2, 4, 5, 7, 9, 10)}
    runner = run(tmp_path / 'run', plan)
    assert runner.iter == 3 * EPOCH
    assert (tmp_path / 'run' / 'epoch_3.pth').is_file()


def test_weights_and_statistics_that_are_not_finite_are_not_saved(tmp_path):
    with pytest.raises(TrainingError, match='not finite after 8 iterations, at lr=0.01: .*norm.running_mean') as caught:
        run(tmp_path / 'run', model=Planned({}, broken_in=8, broken='norm.running_mean'), patience=100)
    kept = tmp_path / 'run' / 'epoch_1.pth'  # the only one: with MMEngine alone it is gone before the next is written
    assert f'They are not saved. The last good checkpoint is kept: {kept}.' in str(caught.value)
    assert kept.is_file()
    assert not (tmp_path / 'run' / 'epoch_2.pth').exists()


def test_a_checkpoint_within_an_epoch_is_looked_at_too(tmp_path):
    hooks = dict(
        checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=1),
        finite_loss=dict(type='lcv_mm.engine.FiniteLossHook', patience=100),
    )
    with pytest.raises(TrainingError, match=r'not finite after 3 iterations.*iter_2\.pth'):
        run(tmp_path / 'run', model=Planned({}, broken_in=3), default_hooks=hooks)
    assert sorted(file.name for file in (tmp_path / 'run').glob('*.pth')) == ['iter_1.pth', 'iter_2.pth']


class Scorer(BaseModel):
    """Gives each image its inputs as scores."""

    def forward(self, inputs: list[Tensor], data_samples: list[DataSample], mode: str = 'tensor') -> list[DataSample]:
        return [sample.set_pred_score(score) for score, sample in zip(inputs, data_samples, strict=True)]


@pytest.mark.parametrize('loop', ['val', 'test'])
@pytest.mark.parametrize(('score', 'images'), [(0.9, 0), (NAN, 1), (INF, 1), (-INF, 1)])
def test_a_score_that_is_not_finite_is_no_accuracy(loop, score, images, tmp_path):
    rows = [
        {'inputs': torch.tensor([value, 0.1]), 'data_samples': DataSample().set_gt_label(0)}
        for value in (0.5, score, 0.7)
    ]
    settings = {
        f'{loop}_dataloader': dict(batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler'), dataset=rows),
        f'{loop}_cfg': {},
        f'{loop}_evaluator': dict(type='mmpretrain.Accuracy'),
    }
    hooks = dict(finite_loss=dict(type='lcv_mm.engine.FiniteLossHook'))
    runner = Runner(Scorer(), str(tmp_path), default_hooks=hooks, experiment_name=f'{tmp_path.name}-{loop}', **settings)
    if images:
        with pytest.raises(TrainingError, match=f'gives {images} images scores that are NaN or infinite'):
            getattr(runner, loop)()
    else:
        assert getattr(runner, loop)() == {'accuracy/top1': 100.0}
