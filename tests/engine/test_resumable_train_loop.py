from pathlib import Path

import pytest
import torch
from mmengine.dataset import BaseDataset
from mmengine.evaluator import BaseMetric
from mmengine.hooks import CheckpointHook, Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from tiny_run import loader
from torch import nn

from lcv_mm.engine import CatchUpValHook, PositionalSeedHook, ResumableTrainLoop
from lcv_mm.errors import CheckpointError

pytestmark = pytest.mark.usefixtures('safe_checkpoints')
seen: list[list[int]] = []  # the images of each iteration
loaded: list[int] = []  # the images that were loaded


class Numbers(BaseDataset):
    def load_data_list(self) -> list[dict]:
        return [dict(number=number) for number in range(8)]


class Line(BaseModel):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(1, 1)

    def forward(self, number: torch.Tensor, mode: str, **_: object) -> dict[str, torch.Tensor] | list[torch.Tensor]:
        if mode == 'predict':
            return [*number]
        seen.append(number.tolist())
        return dict(loss=(self.fc(number[:, None] / 8) + torch.randn(())).square().mean())


def load(results: dict) -> dict:
    loaded.append(results['number'])
    return dict(number=torch.tensor(float(results['number'])))


def run(work_dir: Path, batch_size=2, by_epoch=False, hooks=(), interval=1, **settings) -> dict[str, torch.Tensor]:
    seen.clear()
    loaded.clear()
    runner = Runner(
        Line(),
        str(work_dir),
        train_dataloader=loader(Numbers(pipeline=[load]), batch_size),
        train_cfg=dict(type=ResumableTrainLoop, max_epochs=3, val_interval=interval),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        default_hooks=dict(checkpoint=dict(type=CheckpointHook, interval=1, by_epoch=by_epoch), logger=None),
        custom_hooks=[dict(type=PositionalSeedHook), *hooks],
        randomness=dict(seed=0),
        experiment_name=f'{work_dir.name}_{len(list(work_dir.glob("*")))}',
        default_scope='mmengine',
        log_level='ERROR',
        **settings,
    )
    runner.train()
    return {name: value.clone() for name, value in runner.model.state_dict().items()}


def test_an_epoch_goes_on_after_the_batches_that_are_done(tmp_path):
    expected = run(tmp_path / 'whole')
    batches = list(seen)
    assert len(batches) == 12
    for done in (4, 6, 7, 8):  # the end of the first epoch, the middle and the last batch but none of the second
        resumed = run(tmp_path / f'from_{done}', resume=True, load_from=str(tmp_path / 'whole' / f'iter_{done}.pth'))
        assert seen == batches[done:]
        assert loaded == [number for batch in batches[done:] for number in batch]  # and no other image was loaded
        assert all(torch.equal(resumed[name], expected[name]) for name in expected)


def test_another_number_of_batches_is_refused_in_the_middle_alone(tmp_path):
    run(tmp_path / 'whole')
    with pytest.raises(CheckpointError, match='after 2 of the 4 batches of epoch 2, which has 2 now'):
        run(tmp_path / 'middle', batch_size=4, resume=True, load_from=str(tmp_path / 'whole' / 'iter_6.pth'))
    run(tmp_path / 'end', batch_size=4, resume=True, load_from=str(tmp_path / 'whole' / 'iter_8.pth'))
    assert [len(batch) for batch in seen] == [4, 4]


class Nothing(BaseMetric):
    def process(self, data_batch: object, data_samples: object) -> None:
        self.results.append(0)

    def compute_metrics(self, results: list) -> dict:
        return {}


class Validations(Hook):
    def __init__(self) -> None:
        self.epochs: list[int] = []

    def before_val(self, runner: Runner) -> None:
        self.epochs.append(runner.epoch)


def test_a_run_stopped_between_a_save_and_its_validation_has_the_validations_of_one_that_was_not(tmp_path):
    def validated(work_dir: Path, **settings: object) -> list[int]:
        val = dict(val_dataloader=loader(Numbers(pipeline=[load])), val_cfg={}, val_evaluator=dict(type=Nothing))
        watch = Validations()
        run(work_dir, by_epoch=True, hooks=[CatchUpValHook(), watch], interval=2, **val, **settings)
        return watch.epochs

    whole = validated(tmp_path / 'whole')
    assert whole == [2, 3]  # each second epoch, and the last
    for epoch in (1, 2, 3):  # MMEngine saves each before it validates
        resume = dict(resume=True, load_from=str(tmp_path / 'whole' / f'epoch_{epoch}.pth'))
        assert validated(tmp_path / f'from_{epoch}', **resume) == [number for number in whole if number >= epoch]
