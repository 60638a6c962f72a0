"""A run that is not finite ends, and its last good checkpoint stays; a run says whether its classifier has learned."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from tiny_run import loader
from torch import Tensor, nn

from lcv_mm.engine.loss_hooks import is_cross_entropy
from lcv_mm.errors import TrainingError

EPOCH = 4  # iterations
INF, NAN = math.inf, math.nan


class Planned(BaseModel):
    """A linear layer with a norm, whose loss terms are planned for each iteration.

    Args:
        plan (dict): {iteration from 1: {term: its value}}; otherwise the loss is 1.
        broken_in (int, optional): Iteration from 1 that leaves NaN in `broken`.
        broken (str): Name in the state dict.
    """

    def __init__(self, plan: dict, broken_in: int | None = None, broken: str = 'head.weight') -> None:
        super().__init__()
        self.head = nn.Linear(2, 2, bias=False)
        self.head.num_classes = 20  # log 20 = 3.0
        self.norm = nn.BatchNorm1d(2)
        self.plan, self.broken_in, self.broken = plan, broken_in, broken
        self.iteration = 0

    def train_step(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        log_vars = super().train_step(*args, **kwargs)
        if self.iteration == self.broken_in:
            self.state_dict()[self.broken][0] = NAN
        return log_vars

    def forward(self, inputs: Tensor, mode: str = 'tensor') -> dict[str, Tensor]:
        self.iteration += 1
        zero = 0 * self.norm(self.head(inputs)).sum()
        return {name: zero + value for name, value in self.plan.get(self.iteration, {'loss': 1.0}).items()}


def run(
    work_dir: Path,
    plan: dict | None = None,
    patience: int = 3,
    by_epoch: bool = True,
    resume: bool = False,
    **broken: Any,
) -> Runner:
    """Three epochs of four iterations, with a checkpoint after each epoch or each iteration."""
    rows = [{'inputs': torch.tensor([i, 1.0 - i])} for i in range(2 * EPOCH)]
    runner = Runner(
        Planned(plan or {}, **broken),
        str(work_dir),
        resume=resume,
        train_dataloader=loader(rows),
        train_cfg=dict(by_epoch=True, max_epochs=3),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', by_epoch=by_epoch, interval=1, max_keep_ckpts=2),
            finite_loss=dict(type='lcv_mm.engine.FiniteLossHook', patience=patience),
            trained_classifier=dict(type='lcv_mm.engine.TrainedClassifierHook'),
        ),
        default_scope='mmpretrain',
        experiment_name=work_dir.parent.name,
    )
    runner.train()
    return runner


def test_a_row_of_losses_that_are_not_finite_ends_the_run_and_says_where_and_what(tmp_path):
    plan = {6: {'loss_cls': 0.5, 'loss_inter': INF}, **{i: {'loss_cls': NAN} for i in (7, 8)}, 9: {'loss': 1.0}}
    with pytest.raises(TrainingError) as caught:
        run(tmp_path / 'run', plan)
    kept = tmp_path / 'run' / 'epoch_1.pth'
    message = str(caught.value)
    assert 'from iteration 6 (epoch 2): loss=inf, loss_cls=0.5, loss_inter=inf' in message
    assert f'The last good checkpoint is kept: {kept}.' in message
    assert kept.is_file()


def test_an_overflow_now_and_then_is_tolerated_and_a_distance_of_no_pair_is_no_loss(tmp_path):
    plan = {i: {'loss_cls': NAN if i % 3 else 1.0, 'dist_inter': NAN} for i in range(1, 3 * EPOCH + 1)}
    assert run(tmp_path / 'run', plan).iter == 3 * EPOCH
    assert (tmp_path / 'run' / 'epoch_3.pth').is_file()


@pytest.mark.parametrize(
    ('by_epoch', 'broken', 'last', 'kept'),
    [(True, 'norm.running_mean', 8, ['epoch_1.pth']), (False, 'head.weight', 3, ['iter_2.pth'])],
)
def test_weights_and_statistics_that_are_not_finite_are_not_saved(by_epoch, broken, last, kept, tmp_path):
    with pytest.raises(TrainingError, match=f'not finite after {last} iterations, such as {broken}') as caught:
        run(tmp_path / 'run', patience=100, by_epoch=by_epoch, broken_in=last, broken=broken)
    assert sorted(file.name for file in (tmp_path / 'run').glob('*.pth')) == kept
    assert f'kept: {tmp_path}/run/{kept[-1]}. Train with a lower learning rate (it is [0.01];' in str(caught.value)


class Scorer(BaseModel):
    """Gives each image its inputs as scores."""

    def forward(self, inputs: Tensor, data_samples: list[DataSample], mode: str = 'tensor') -> list[DataSample]:
        return [sample.set_pred_score(score) for score, sample in zip(inputs, data_samples, strict=True)]


@pytest.mark.parametrize(('loop', 'score'), [('val', 0.9), ('val', -INF), ('test', NAN)])
def test_a_score_that_is_not_finite_is_no_accuracy(loop, score, tmp_path):
    rows = [
        {'inputs': torch.tensor([value, 0.1]), 'data_samples': DataSample().set_gt_label(0)}
        for value in (0.5, score, 0.7)
    ]
    settings = {
        f'{loop}_dataloader': loader(rows),
        f'{loop}_cfg': {},
        f'{loop}_evaluator': dict(type='mmpretrain.Accuracy'),
    }
    hooks = dict(finite_loss=dict(type='lcv_mm.engine.FiniteLossHook'))
    runner = Runner(Scorer(), str(tmp_path), default_hooks=hooks, experiment_name=f'{tmp_path.name}-{loop}', **settings)
    if math.isfinite(score):
        assert getattr(runner, loop)() == {'accuracy/top1': 100.0}
    else:
        with pytest.raises(TrainingError, match='1 images have scores that are NaN or infinite'):
            getattr(runner, loop)()


@pytest.mark.parametrize(
    ('terms', 'expected'),
    [
        ([{'loss': value} for value in (1.0, 1.5)], 'INFO - cross entropy of the last epoch: 1.25; guessing among 20'),
        (
            [{'loss_cls': value, 'loss_intra': 5.0} for value in (1.5, 1.6)],
            'WARNING - the classifier has not learned (cross entropy of the last epoch: 1.55; guessing among 20 cl',
        ),
        ([{'loss': 5.0, 'loss_other': 5.0}], None),  # no cross entropy of its own
    ],
)
def test_the_mean_cross_entropy_of_the_last_epoch_counts(terms, expected, tmp_path):
    last = range(2 * EPOCH + 1, 3 * EPOCH + 1)
    run(tmp_path / 'run', {i: terms[i % len(terms)] for i in last})
    log = next((tmp_path / 'run').glob('*/*.log')).read_text()
    assert expected in log if expected else 'cross entropy' not in log


@pytest.mark.parametrize(
    ('loss', 'judged'),
    [
        ('CrossEntropyLoss', True),
        (dict(type='LabelSmoothLoss', label_smooth_val=0.1), True),
        (dict(type='CrossEntropyLoss', loss_weight=0.4), False),
        (dict(type='LabelSmoothLoss', label_smooth_val=0.1, loss_weight=0.4), False),
        (dict(type='CrossEntropyLoss', use_sigmoid=True), False),
        (dict(type='CrossEntropyLoss', class_weight=[0.1, 0.1, 0.1]), False),
        (dict(type='LabelSmoothLoss', label_smooth_val=0.1, reduction='sum'), False),
        ('FocalLoss', False),
    ],
    ids=str,
)
def test_only_a_cross_entropy_is_judged(loss, judged):
    loss = dict(type=loss) if isinstance(loss, str) else loss
    head = MODELS.build(dict(type='LinearClsHead', num_classes=3, in_channels=2, loss=loss))
    assert is_cross_entropy(head) is judged


def test_a_finished_run_can_be_resumed(tmp_path):
    run(tmp_path / 'run')
    assert run(tmp_path / 'run', resume=True).epoch == 3
