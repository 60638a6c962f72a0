import copy
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, ClassBalancedDataset, DefaultSampler, RepeatDataset
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.datasets import KFoldDataset, RepeatAugSampler
from torch.utils.data import BatchSampler, DataLoader

from lcv_mm.engine import PositionalSeedHook
from lcv_mm.engine.positional_seed_hook import _CountedBatches
from lcv_mm.engine.resumable_train_loop import _from


class Numbers(BaseDataset):
    """Images 0 to 5 of two classes; the pipeline draws from each generator that a transform may use."""

    METAINFO = dict(classes=('a', 'b'))

    def load_data_list(self) -> list[dict]:
        return [dict(number=number, gt_label=int(number > 1)) for number in range(6)]

    def get_cat_ids(self, idx: int) -> list[int]:
        return [self.get_data_info(idx)['gt_label']]


def draw(results: dict) -> tuple:
    return results['number'], *draws()


def draws() -> tuple[float, float, float]:
    """From each of the global generators that transforms and layers use."""
    return random.random(), np.random.uniform(), torch.rand(()).item()  # noqa: NPY002


def as_list(batch: list) -> list:
    return batch


def begun(loader: DataLoader, seed: int = 0) -> tuple[PositionalSeedHook, SimpleNamespace]:
    """The hook after `before_train`, on what it sees of a Runner."""
    loop = object.__new__(EpochBasedTrainLoop)
    runner = SimpleNamespace(train_loop=loop, train_dataloader=loader, seed=seed, epoch=0, iter=0)
    hook = PositionalSeedHook()
    hook.before_train(runner)
    return hook, runner


def started(seed: int = 0, **loader: object) -> tuple[PositionalSeedHook, SimpleNamespace]:
    dataset = Numbers(pipeline=[draw])
    sampler = DefaultSampler(dataset, shuffle=True, seed=0)
    return begun(DataLoader(dataset, sampler=sampler, collate_fn=as_list, **loader), seed)


def fed(hook: PositionalSeedHook, runner: SimpleNamespace, number: int) -> list[tuple]:
    """What an epoch feeds: each image's number and what it drew."""
    runner.epoch = number
    runner.train_dataloader.sampler.set_epoch(number)
    hook.before_train_epoch(runner)
    return [drawn for batch in runner.train_dataloader for drawn in batch]


def epoch(hook: PositionalSeedHook, runner: SimpleNamespace, number: int) -> dict[int, tuple]:
    """What each image drew."""
    return {drawn[0]: drawn[1:] for drawn in fed(hook, runner, number)}


def test_an_image_draws_the_same_whatever_came_before():
    expected = [epoch(*started(), number) for number in (0, 1)]
    hook, runner = started(num_workers=2, persistent_workers=True)
    assert [epoch(hook, runner, number) for number in (0, 1)] == expected  # in workers that live on
    assert epoch(*started(num_workers=1), 1) == expected[1]  # in others, and resumed there


def test_images_epochs_and_seeds_draw_differently():
    hook, runner = started()
    drawn = [*epoch(hook, runner, 0).values(), *epoch(hook, runner, 1).values(), *epoch(*started(seed=1), 0).values()]
    assert len(set(drawn)) == 18


def test_a_training_step_draws_by_its_iteration_and_process(monkeypatch):
    hook, runner = started()
    drawn = []
    for iteration, rank in ((7, 0), (8, 0), (7, 1), (7, 0)):
        monkeypatch.setattr('lcv_mm.engine.positional_seed_hook.get_rank', lambda rank=rank: rank)
        runner.iter = iteration
        torch.rand(iteration)
        hook.before_train_iter(runner, batch_idx=0)
        drawn.append(draws())
    assert drawn[0] == drawn[3]
    assert len({number for numbers in drawn for number in numbers}) == 9  # three of each of three places


SHUFFLED = dict(type='DefaultSampler', shuffle=True)
NUMBERS = dict(type=Numbers, pipeline=[draw])
WRAPPED = {  # dataset, sampler, and how many images an epoch of it feeds
    'none': (NUMBERS, SHUFFLED, 6),
    'ClassBalancedDataset': (dict(type=ClassBalancedDataset, dataset=NUMBERS, oversample_thr=0.6), SHUFFLED, 8),
    'KFoldDataset': (dict(type=KFoldDataset, dataset=dict(NUMBERS, lazy_init=False), num_splits=3), SHUFFLED, 4),
    'RepeatDataset and RepeatAugSampler': (
        dict(type=RepeatDataset, dataset=NUMBERS, times=2),
        dict(type=RepeatAugSampler),
        12,
    ),
}


@pytest.mark.parametrize('name', WRAPPED)
def test_every_visit_of_an_image_draws_anew_whatever_the_number_of_workers(name):
    dataset, sampler, length = WRAPPED[name]
    epochs = []
    for workers in (0, 2):
        loader = Runner.build_dataloader(
            dict(batch_size=3, dataset=dataset, sampler=sampler, num_workers=workers, collate_fn=as_list,
                 persistent_workers=workers > 0), seed=0)  # fmt: skip
        hook, runner = begun(loader)
        epochs.append([fed(hook, runner, number) for number in (0, 1)])
        after_a_resume = [drawn for batch in _from(loader, 1) for drawn in batch]
        assert after_a_resume == epochs[-1][1][3:]
        assert loader.batch_size == 3  # what others read of the loader stays
    assert epochs[0] == epochs[1]
    drawn = [image[1:] for epoch in epochs[0] for image in epoch]
    assert len(drawn) == len(set(drawn)) == 2 * length


def test_processes_draw_differently_for_an_image_that_each_of_them_gets(monkeypatch):
    drawn = []
    for rank in (0, 1):
        monkeypatch.setattr('lcv_mm.engine.positional_seed_hook.get_dist_info', lambda rank=rank: (rank, 2))
        drawn += epoch(*started(), 0).values()
    assert len(set(drawn)) == 12


def test_a_step_and_an_image_never_draw_the_same():
    # SeedSequence takes (seed, 5, 1) for (seed, 5, 1, 0): without numbers of the streams, iteration 5 of rank 1 would
    # draw what image 1 draws in epoch 5, and iteration 5 of rank 0 what image 0 does
    hook, runner = started()
    images = {drawn for number in range(7) for drawn in epoch(hook, runner, number).values()}
    for runner.iter in range(7):
        hook.before_train_iter(runner, batch_idx=0)
        assert draws() not in images


def test_counted_batches_can_be_copied():
    batches = _CountedBatches(BatchSampler(range(5), 2, drop_last=False))
    copied = copy.deepcopy(batches)
    assert [*copied] == [[0, 1], [2, 3], [4]]
    assert copied.batch_size == 2
