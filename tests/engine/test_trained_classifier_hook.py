"""A run says at its end whether its classifier has learned."""

import math
from pathlib import Path

import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor, nn

from lcv_mm.engine.trained_classifier_hook import has_learned

CLASSES = 20  # log 20 = 3.0


class Planned(BaseModel):
    """A classifier whose loss in each iteration is planned."""

    def __init__(self, losses: list[dict[str, float]]) -> None:
        super().__init__()
        self.head = nn.Linear(1, 1)
        self.head.num_classes = CLASSES
        self.losses = iter(losses)

    def forward(self, inputs: list[Tensor], mode: str = 'tensor') -> dict[str, Tensor]:
        zero = 0 * self.head(torch.stack(inputs)).sum()
        return {name: zero + value for name, value in next(self.losses).items()}


def log_of(work_dir: Path, losses: list[dict[str, float]]) -> str:
    """Two epochs of two iterations."""
    rows = [{'inputs': torch.ones(1)}] * 2
    runner = Runner(
        Planned(losses),
        str(work_dir),
        train_dataloader=dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler'), dataset=rows),
        train_cfg=dict(by_epoch=True, max_epochs=2),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        custom_hooks=[dict(type='lcv_mm.engine.TrainedClassifierHook')],
        default_scope='mmpretrain',
    )
    runner.train()
    return next(work_dir.glob('*/*.log')).read_text()


def test_half_of_guessing_is_the_limit():
    assert has_learned(0.5 * math.log(25), 25)
    assert not has_learned(0.5 * math.log(25) + 1e-6, 25)


def test_the_last_epochs_mean_counts_and_a_trained_classifier_gives_no_warning(tmp_path):
    log = log_of(tmp_path, [{'loss': value} for value in (3.0, 3.0, 1.0, 1.5)])
    assert 'cross entropy of the last epoch: 1.25; guessing among 20 classes: 3.00' in log
    assert 'has not learned' not in log


def test_a_classifier_that_has_not_learned_is_a_warning(tmp_path):
    log = log_of(tmp_path, [{'loss_cls': value, 'loss_intra': 5.0} for value in (0.1, 0.1, 1.5, 1.6)])
    assert 'WARNING - the classifier has not learned (cross entropy of the last epoch: 1.55;' in log


def test_several_losses_without_a_cross_entropy_of_its_own_are_left_alone(tmp_path):
    log = log_of(tmp_path, [{'loss': 5.0, 'loss_other': 5.0}] * 4)
    assert 'cross entropy' not in log
