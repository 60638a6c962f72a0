import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, ConcatDataset, DefaultSampler, RepeatDataset
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from torch.utils.data import DataLoader

from lcv_mm.engine import PositionalSeedHook
from lcv_mm.errors import ConfigError


class Numbers(BaseDataset):
    """Images 0 to 5; the pipeline draws from each generator that a transform may use."""

    def load_data_list(self) -> list[dict]:
        return [dict(number=number) for number in range(6)]


def draw(results: dict) -> tuple:
    return results['number'], *draws()


def draws() -> tuple[float, float, float]:
    """From each of the global generators that transforms and layers use."""
    return random.random(), np.random.uniform(), torch.rand(()).item()  # noqa: NPY002


def started(seed: int = 0, dataset: object = None, **loader: object) -> tuple[PositionalSeedHook, SimpleNamespace]:
    """The hook after `before_train`, on what it sees of a Runner."""
    dataset = dataset or Numbers(pipeline=[draw])
    dataloader = DataLoader(dataset, sampler=DefaultSampler(dataset, shuffle=True, seed=0), collate_fn=list, **loader)
    loop = object.__new__(EpochBasedTrainLoop)
    runner = SimpleNamespace(train_loop=loop, train_dataloader=dataloader, seed=seed, epoch=0, iter=0)
    hook = PositionalSeedHook()
    hook.before_train(runner)
    return hook, runner


def epoch(hook: PositionalSeedHook, runner: SimpleNamespace, number: int) -> dict[int, tuple]:
    """What each image drew."""
    runner.epoch = number
    runner.train_dataloader.sampler.set_epoch(number)
    hook.before_train_epoch(runner)
    return {drawn[0]: drawn[1:] for batch in runner.train_dataloader for drawn in batch}


def test_an_image_draws_the_same_whatever_came_before():
    expected = [epoch(*started(), number) for number in (0, 1)]
    hook, runner = started(num_workers=2, persistent_workers=True)
    assert [epoch(hook, runner, number) for number in (0, 1)] == expected  # in workers that live on
    assert epoch(*started(num_workers=1), 1) == expected[1]  # in others, and resumed there


def test_images_epochs_and_seeds_draw_differently():
    hook, runner = started()
    drawn = [*epoch(hook, runner, 0).values(), *epoch(hook, runner, 1).values(), *epoch(*started(seed=1), 0).values()]
    assert len(set(drawn)) == 18


def test_a_training_step_draws_by_its_iteration():
    hook, runner = started()
    drawn = []
    for iteration in (7, 8, 7):
        runner.iter = iteration
        torch.rand(iteration)
        hook.before_train_iter(runner, batch_idx=0)
        drawn.append(draws())
    assert drawn[0] == drawn[2]
    assert not set(drawn[0]) & set(drawn[1])


@pytest.mark.parametrize('wrap', [lambda inner: RepeatDataset(inner, 2), lambda inner: ConcatDataset([inner])])
def test_the_dataset_in_a_wrapper_is_found(wrap):
    hook, runner = started(dataset=wrap(Numbers(pipeline=[draw])))
    assert epoch(hook, runner, 3) == epoch(*started(), 3)


def test_a_loop_without_epochs_is_refused():
    loop = object.__new__(IterBasedTrainLoop)
    with pytest.raises(ConfigError, match='needs a loop of epochs .* got IterBasedTrainLoop'):
        PositionalSeedHook().before_train(SimpleNamespace(train_loop=loop))
