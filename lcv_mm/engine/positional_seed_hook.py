"""Random numbers that depend only on the seed and the position in the run."""

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

# Distinguish the two streams, which would otherwise coincide: SeedSequence((0, 5, 1)) == SeedSequence((0, 5, 1, 0))
STEP, IMAGE = 0, 1


@HOOKS.register_module()
class PositionalSeedHook(Hook):
    """Makes every random number of training depend only on the seed and the position in the run.

    The augmentation of an image depends on (seed, epoch, index, number of earlier visits in this epoch, rank). The
    random numbers of a training step (dropout, Mixup) depend on (seed, iteration, rank). A resumed run therefore draws
    the same numbers as an uninterrupted one, with any number of workers, and no random state needs to be saved.

    Raises:
        ConfigError: If the loop is not epoch-based, so that the visits of an image cannot be counted.

    Examples:
        >>> hook = HOOKS.build(dict(type='PositionalSeedHook'))
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # shared with persistent workers

    def before_train(self, runner: Runner) -> None:
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise ConfigError(f'PositionalSeedHook needs a loop of epochs, got {type(runner.train_loop).__name__}')
        loader = runner.train_dataloader
        # DataLoader does not allow setting this attribute; a new loader would lose batch_size and sampler
        vars(loader)['batch_sampler'] = _CountedBatches(loader.batch_sampler)
        # the only method that a loader looks up on the object instead of its class
        loader.dataset.__getitems__ = partial(_seeded_items, loader.dataset, runner.seed, self._epoch, get_dist_info())

    def before_train_epoch(self, runner: Runner) -> None:
        self._epoch.fill_(runner.epoch)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        _seed_all(STEP, runner.seed, runner.iter, get_rank())


class _Visit(int):
    """An index with the number of its earlier visits in this epoch."""

    visit = 0


class _CountedBatches:
    """A batch sampler that yields its indices as `_Visit`; otherwise it behaves like the original."""

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
        if name.startswith('__') or name == '_batches':  # looked up while a copy is not filled yet
            raise AttributeError(name)
        return getattr(self._batches, name)


def _seeded_items(
    dataset: Any, seed: int, epoch: torch.Tensor, dist_info: tuple[int, int], indices: Sequence[int]
) -> list[Any]:
    """Fetch the items of a batch, each with its own seed."""
    rank, processes = dist_info
    items = []
    for index in indices:
        visit = getattr(index, 'visit', 0)
        _seed_all(IMAGE, seed, int(epoch), int(index), visit * processes + rank)
        items.append(dataset[int(index)])
    return items


def _seed_all(*entropy: int) -> None:
    seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (MMPretrain's transforms use the global generator)
    torch.manual_seed(seed)
