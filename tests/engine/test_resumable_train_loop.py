from pathlib import Path

import pytest
import torch
from mmengine.dataset import BaseDataset
from mmengine.hooks import CheckpointHook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from tiny_run import loader
from torch import nn

from lcv_mm.engine import PositionalSeedHook, ResumableTrainLoop
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

    def forward(self, number: torch.Tensor, mode: str, **_: object) -> dict[str, torch.Tensor]:
        seen.append(number.tolist())
        return dict(loss=(self.fc(number[:, None] / 8) + torch.randn(())).square().mean())


def load(results: dict) -> dict:
    loaded.append(results['number'])
    return dict(number=torch.tensor(float(results['number'])))


def run(work_dir: Path, batch_size: int = 2, **settings: object) -> dict[str, torch.Tensor]:
    seen.clear()
    loaded.clear()
    runner = Runner(
        Line(),
        str(work_dir),
        train_dataloader=loader(Numbers(pipeline=[load]), batch_size),
        train_cfg=dict(type=ResumableTrainLoop, max_epochs=3),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        default_hooks=dict(checkpoint=dict(type=CheckpointHook, interval=1, by_epoch=False), logger=None),
        custom_hooks=[dict(type=PositionalSeedHook)],
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
