"""A batch sampler that draws several images per class."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from itertools import chain, islice, pairwise

import numpy as np
from torch.utils.data import BatchSampler, Sampler

from .dataset_labels import dataset_labels
from .errors import ConfigError

Group = list[int]  # dataset indices of one class


class ClassBalancedBatchSampler(BatchSampler):
    """Batches of `batch_size / samples_per_class` classes, with `samples_per_class` images of each class.

    The sampler regroups the indices that `sampler` yields. An epoch has the same indices, each equally often, and the
    same number of batches as with torch's `BatchSampler`. Leftover images (2 of 30 in groups of 4) go into few batches
    with more classes and fewer images per class. Surplus images of large classes are mixed with other classes, so that
    as few batches as possible contain a single class. Order, seed, epoch and rank come from `sampler`; there is no
    further randomness, so equal streams give equal batches. The stream of an endless sampler (`InfiniteSampler`) is
    grouped in rounds of at most `len(dataset)` indices, which bounds the memory.

    Args:
        sampler (Sampler): Yields the indices of this rank, and has its dataset as `dataset` or `data_source`.
            Should shuffle: its order is the only source of randomness.
        batch_size (int): Images per batch, a multiple of `samples_per_class`.
        samples_per_class (int): Images per class in a batch, at least 1. With 1, the batches equal those of torch's
            `BatchSampler`. Defaults to 2.
        drop_last (bool): Drop the last batch of the epoch if it is not full. Defaults to False.
        labels (Sequence[int], optional): Class of each image of the dataset. None: read from it, see `dataset_labels`.

    Raises:
        ConfigError: If `batch_size` is not a multiple of `samples_per_class`; if `sampler` has no dataset; if an image
            does not have exactly one label; or if too few classes have `samples_per_class` images to fill a batch.

    Examples:
        >>> from torch.utils.data import RandomSampler
        >>> labels = [0, 1, 2] * 10
        >>> len(ClassBalancedBatchSampler(RandomSampler(labels), batch_size=6, labels=labels))
        5
    """

    def __init__(
        self,
        sampler: Sampler[int],
        batch_size: int,
        samples_per_class: int = 2,
        drop_last: bool = False,
        labels: Sequence[int] | None = None,
    ) -> None:
        super().__init__(sampler, batch_size, drop_last)
        if samples_per_class < 1 or batch_size % samples_per_class:
            raise ConfigError(f'{batch_size=} must be a multiple of {samples_per_class=}, which must be 1 or more')
        self.samples_per_class = samples_per_class
        if samples_per_class > 1:
            dataset = getattr(sampler, 'dataset', getattr(sampler, 'data_source', None))
            if dataset is None and labels is None:
                raise ConfigError(f'sampler {type(sampler).__name__} has no `dataset` to read labels from')
            self._labels = dataset_labels(dataset) if labels is None else np.asarray(labels, dtype=np.int64)
            _check_classes(self._labels, batch_size, samples_per_class)

    def __iter__(self) -> Iterator[list[int]]:
        if self.samples_per_class == 1:
            yield from super().__iter__()
            return
        for indices in _rounds(iter(self.sampler), len(self._labels), self.batch_size):
            labels = self._labels[indices].tolist()
            for batch in group_by_class(indices, labels, self.batch_size, self.samples_per_class):
                if len(batch) == self.batch_size or not self.drop_last:
                    yield batch


def group_by_class(
    indices: Sequence[int], labels: Sequence[int], batch_size: int, samples_per_class: int
) -> list[list[int]]:
    """Split shuffled indices with known classes into batches of `samples_per_class` images per class.

    As many batches as possible are balanced in this way; some give up groups to batches that would otherwise contain a
    single class. Indices may repeat; each is returned as often as it was given. Only the last batch may have fewer than
    `batch_size` indices. `batch_size` is a multiple of `samples_per_class`.

    Examples:
        >>> group_by_class(range(8), [0, 1, 2, 0, 1, 2, 0, 1], batch_size=4, samples_per_class=2)
        [[0, 3, 1, 4], [6, 7, 2, 5]]
    """
    groups, fragments = _split_classes(indices, labels, samples_per_class)
    position = {index: i for i, index in reversed(list(enumerate(indices)))}
    drawn = _draw_batches(groups, batch_size // samples_per_class, position)
    num_full, num_short = divmod(len(indices), batch_size)
    # The short batch at the end is cut from full groups, if necessary from a drawn batch. If it were cut from the
    # fragments, `drop_last` would drop the images of the smallest classes in every epoch.
    scarce = sum(len(queue) for queue in groups) * samples_per_class < num_short
    spare = drawn.pop() if scarce and drawn else []
    # The fragments are split equally among the other full batches; those that do not fit are in the last one.
    leftovers, fillers = list(chain(*fragments)), chain(*_spread(groups), *spare)
    count = num_full - len(drawn)
    cuts = [min(len(leftovers) * i // max(count, 1), batch_size * i) for i in range(count + 1)]
    mixed = [[*leftovers[a:b], *islice(fillers, batch_size - (b - a))] for a, b in pairwise(cuts)]
    mixed += [[*leftovers[cuts[-1] :], *fillers]] if num_short else []
    _mix(mixed, drawn, dict(zip(indices, labels, strict=True)), samples_per_class)
    batches = [list(chain(*batch)) for batch in drawn] + mixed
    # The indices are in random order, so their ranks shuffle the batches without another generator.
    order = np.argsort(indices[:num_full], kind='stable').tolist()
    return [batches[i] for i in order] + batches[num_full:]


def _rounds(stream: Iterator[int], size: int, batch_size: int) -> Iterator[list[int]]:
    """Cut a finite or endless stream into lists of at most `size` indices; all but the last have complete batches."""
    waiting: list[int] = []
    while True:
        waiting += islice(stream, size + 1 - len(waiting))
        if len(waiting) <= size:  # the end of the stream
            break
        whole = size - size % batch_size
        yield waiting[:whole]
        waiting = waiting[whole:]
    if waiting:
        yield waiting


def _split_classes(
    indices: Sequence[int], labels: Sequence[int], samples_per_class: int
) -> tuple[list[deque[Group]], list[Group]]:
    """Groups of `samples_per_class` images for each class, and the remaining images of each class."""
    queues: dict[int, list[int]] = defaultdict(list)
    for index, label in zip(indices, labels, strict=True):
        queues[label].append(index)
    groups, fragments = [], []
    for images in queues.values():
        # A sampler may repeat an image (RepeatAug, round_up): put copies side by side, then deal to different groups.
        images = list(Counter(images).elements())
        count = len(images) // samples_per_class
        end = count * samples_per_class
        groups.append(deque(images[start:end:count] for start in range(count)))
        fragments.append(images[end:])
    return groups, fragments


def _draw_batches(groups: list[deque[Group]], num_classes: int, position: dict[int, int]) -> list[list[Group]]:
    """Move groups from `groups` into as many batches of `num_classes` distinct classes as possible."""
    left = np.array([len(queue) for queue in groups], dtype=np.int64)
    num_batches = int(left.sum()) // num_classes
    while (possible := int(np.minimum(left, num_batches).sum()) // num_classes) < num_batches:
        num_batches = possible
    never = max(position.values(), default=0) + 1
    next_position = np.array([position[queue[0][0]] if queue else never for queue in groups], dtype=np.int64)
    batches = []
    for to_go in range(num_batches, 0, -1):
        # Stream order, except that a class with a group for every remaining batch comes first: otherwise the last
        # batches would have too few classes.
        rank = np.where(left >= to_go, next_position - never, next_position)
        picked = np.argsort(rank, kind='stable')[:num_classes].tolist()
        batches.append([groups[i].popleft() for i in picked])
        left[picked] -= 1
        next_position[picked] = [position[groups[i][0][0]] if groups[i] else never for i in picked]
    return batches


def _spread(groups: list[deque[Group]]) -> list[Group]:
    """The groups in one list, with those of each class evenly spaced."""
    spread = [((i + 0.5) / len(queue), group) for queue in groups for i, group in enumerate(queue)]
    return [group for _, group in sorted(spread)]


def _mix(batches: list[list[int]], drawn: list[list[Group]], label_of: dict[int, int], samples_per_class: int) -> None:
    """Swap a group of each single-class batch for one of another class, from as few drawn batches as possible."""
    givers = [*drawn]
    for batch in batches:
        label, *others = {label_of[index] for index in batch}
        while givers and not others and len(batch) > samples_per_class:
            given = [i for i, group in enumerate(givers[-1]) if label_of[group[0]] != label]
            if len(given) > 1:
                givers[-1][given[0]], batch[:samples_per_class] = batch[:samples_per_class], givers[-1][given[0]]
                break
            givers.pop()  # it needs this group itself


def _check_classes(labels: np.ndarray, batch_size: int, samples_per_class: int) -> None:
    counts = np.unique(labels, return_counts=True)[1]
    usable = int((counts >= samples_per_class).sum())
    needed = batch_size // samples_per_class
    if usable < needed:
        raise ConfigError(f'expected {needed} classes with {samples_per_class=} images, got {usable}; lower batch_size')
