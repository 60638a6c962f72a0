"""Random numbers that do not depend on what happened before."""

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS

from ..errors import ConfigError


@HOOKS.register_module()
class PositionalSeedHook(Hook):
    """Makes each random number of training a function of the seed and of the place in the run, and of nothing else.

    The augmentation of an image follows from (seed, epoch, image), the random numbers of a training step (dropout,
    Mixup) from (seed, iteration, rank). So a resumed run draws what the one that was never stopped would have drawn,
    with any number of workers, and there is no random state to save. With MMEngine alone, workers start from the same
    seed after each resume, and with `persistent_workers=False` in each epoch.

    An image that comes several times in one epoch (`RepeatAugSampler`) is augmented the same each time: leave this
    hook out there.

    Raises:
        ConfigError: If the loop is not one of epochs: there an image's next visit could not be told from its last.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # workers that live on see it change

    def before_train(self, runner: Runner) -> None:
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise ConfigError(
                'PositionalSeedHook needs a loop of epochs (EpochBasedTrainLoop, ResumableTrainLoop), got '
                f'{type(runner.train_loop).__name__}; take it out of the hooks'
            )
        for pipeline in _pipelines(runner.train_dataloader.dataset):
            pipeline.transforms.insert(0, partial(_seed_image, runner.seed, self._epoch))

    def before_train_epoch(self, runner: Runner) -> None:
        self._epoch.fill_(runner.epoch)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        _seed_all(runner.seed, runner.iter, get_rank())


def _seed_image(seed: int, epoch: torch.Tensor, results: dict) -> dict:
    """The first transform of a pipeline: what follows draws from a seed of this image in this epoch."""
    _seed_all(seed, int(epoch), results['sample_idx'])
    return results


def _pipelines(dataset: Any) -> Iterator[Any]:
    """The pipelines of a dataset, also of the ones that MMEngine's dataset wrappers hold."""
    if hasattr(dataset, 'pipeline'):
        yield dataset.pipeline
    for inner in getattr(dataset, 'datasets', [getattr(dataset, 'dataset', None)]):
        if inner is not None:
            yield from _pipelines(inner)


def _seed_all(*entropy: int) -> None:
    seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (the toolbox's transforms draw from the global one)
    torch.manual_seed(seed)
