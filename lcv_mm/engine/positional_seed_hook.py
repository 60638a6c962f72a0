"""Random numbers that do not depend on what happened before."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_dist_info, get_rank
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS

from ..errors import ConfigError

# The streams, which would meet without a number each: SeedSequence((0, 5, 1)) == SeedSequence((0, 5, 1, 0))
STEP, IMAGE = 0, 1


@HOOKS.register_module()
class PositionalSeedHook(Hook):
    """Makes each random number of training a function of the seed and the position in the run alone.

    What the dataset draws for an image (augmentation) follows from (seed, epoch, index, how often the index came in
    this epoch, rank), the random numbers of a training step (dropout, Mixup) from (seed, iteration, rank). So a resumed
    run draws what the one that was never stopped would have drawn, with any number of workers, and there is no random
    state to save. With MMEngine alone, workers start from the same seed after each resume, and with
    `persistent_workers=False` in each epoch.

    An image that comes several times in one epoch (`RepeatDataset`, `ClassBalancedDataset`, `RepeatAugSampler`) is
    augmented anew each time. The seed is set before the dataset is asked for an image, outside of its pipeline, so
    that another pipeline (`SwitchRecipeHook`) is seeded, too.

    Raises:
        ConfigError: If the loop is not one of epochs: there an image's next visit could not be told from its last.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # workers that live on see it change

    def before_train(self, runner: Runner) -> None:
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise ConfigError(f'PositionalSeedHook needs a loop of epochs, got {type(runner.train_loop).__name__}')
        loader = runner.train_dataloader
        # DataLoader lets nobody set this attribute later; another loader would lose batch_size and sampler
        vars(loader)['batch_sampler'] = _CountedBatches(loader.batch_sampler)
        # the one method that a loader looks up on the object, not on its class
        loader.dataset.__getitems__ = partial(_seeded_items, loader.dataset, runner.seed, self._epoch, get_dist_info())

    def before_train_epoch(self, runner: Runner) -> None:
        self._epoch.fill_(runner.epoch)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        _seed_all(STEP, runner.seed, runner.iter, get_rank())


class _Visit(int):
    """An index, and how often it came before in this epoch."""

    visit = 0


class _CountedBatches:
    """The batches of a batch sampler, their indices as `_Visit`; in all else the batch sampler."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[list[_Visit]]:
        before: Counter[int] = Counter()
        for batch in self._batches:
            visits = [_Visit(index) for index in batch]
            for visit in visits:
                visit.visit = before[visit]
                before[visit] += 1
            yield visits

    def __len__(self) -> int:
        return len(self._batches)

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__') or name == '_batches':  # asked for while it is unpickled
            raise AttributeError(name)
        return getattr(self._batches, name)


def _seeded_items(
    dataset: Any, seed: int, epoch: torch.Tensor, rank_of: tuple[int, int], indices: Sequence[int]
) -> list[Any]:
    """What a loader fetches for a batch: each item drawn from another seed."""
    rank, processes = rank_of
    items = []
    for index in indices:
        visit = getattr(index, 'visit', 0)
        _seed_all(IMAGE, seed, int(epoch), int(index), visit * processes + rank)
        items.append(dataset[int(index)])
    return items


def _seed_all(*entropy: int) -> None:
    seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (the toolbox's transforms draw from the global one)
    torch.manual_seed(seed)
