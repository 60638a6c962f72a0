"""Batch invariants, epoch invariants, then the life of the sampler inside MMEngine."""

from collections import Counter
from itertools import chain, islice
from math import comb

import numpy as np
import pytest
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmpretrain.datasets import RepeatAugSampler
from torch.utils.data import BatchSampler, SequentialSampler, SubsetRandomSampler

from lcv_mm.class_balanced_batch_sampler import group_by_class
from lcv_mm.datasets import ClassBalancedBatchSampler
from lcv_mm.errors import ConfigError

COUNTS = {
    'cub': [30] * 194 + [29] * 6,
    'balanced': [12] * 20,
    'one_single': [1] + [16] * 10,
    'long_tail': [int(80 * 0.95**i) + 1 for i in range(60)],
    'dominant': [100] + [9] * 20,
}
SETTINGS = [(16, 2), (16, 4), (15, 3), (8, 2), (10, 5)]


class Labelled:
    """A dataset that is its labels, sorted by class like CUB's; an item has its index."""

    def __init__(self, counts):
        self.labels = np.repeat(np.arange(len(counts)), counts)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, idx):
        return idx

    @property
    def targets(self):
        return self.labels


def default_sampler(dataset, seed=0, rank=0, world_size=1):
    """The sampler which MMEngine would build on one of several ranks."""
    sampler = DefaultSampler(dataset, seed=seed)
    sampler.rank, sampler.world_size = rank, world_size
    sampler.num_samples = -(-len(dataset) // world_size)
    sampler.total_size = sampler.num_samples * world_size
    return sampler


def flat(batches):
    return list(chain.from_iterable(batches))


def is_perfect(batch, labels, batch_size, samples_per_class):
    counts = Counter(labels[batch].tolist())
    return len(batch) == batch_size and set(counts.values()) == {samples_per_class}


def most_perfect(counts, batch_size, samples_per_class):
    """How many batches can have all their classes: a class gives each batch one group at most."""
    groups, classes = [n // samples_per_class for n in counts], batch_size // samples_per_class
    return max(b for b in range(sum(groups) + 1) if sum(min(g, b) for g in groups) >= b * classes)


@pytest.fixture(params=COUNTS, scope='module')
def dataset(request):
    dataset = Labelled(COUNTS[request.param])
    dataset.counts = COUNTS[request.param]
    return dataset


# Batches


@pytest.mark.parametrize(('batch_size', 'samples_per_class'), SETTINGS)
def test_batches_hold_full_classes_as_far_as_the_data_allow(dataset, batch_size, samples_per_class):
    batches = list(ClassBalancedBatchSampler(default_sampler(dataset), batch_size, samples_per_class))
    perfect = sum(is_perfect(batch, dataset.labels, batch_size, samples_per_class) for batch in batches)
    bound = most_perfect(dataset.counts, batch_size, samples_per_class)
    # One batch may go to the short one at the end, which must not be made of fragments; one may give its groups to
    # batches that would hold one class.
    assert bound - 2 <= perfect <= bound
    assert bound > 3
    # of one class can be the last batch alone, where it is that short
    assert all(len({*dataset.labels[batch]}) > 1 for batch in batches if len(batch) > samples_per_class)


@pytest.mark.parametrize(
    'counts',
    [[1000 // k for k in range(1, 101)], [500] + [60] * 7, [300] * 2 + [20] * 8],
    ids=['long tail', 'one large', 'two large'],
)
def test_a_long_tail_leaves_no_batch_of_one_class(counts):
    dataset = Labelled(counts)
    batches = ClassBalancedBatchSampler(default_sampler(dataset), 16, 2)
    for epoch in range(2):
        batches.sampler.set_epoch(epoch)
        drawn = [Counter(dataset.labels[batch].tolist()) for batch in batches]
        assert all(len(batch) > 1 and max(batch.values()) > 1 for batch in drawn)
        # of those that can hold their classes in full, 292, 30 and 13, almost all do: some have given groups
        assert sum({*batch.values()} == {2} for batch in drawn) >= 0.8 * most_perfect(counts, 16, 2)


# Epochs


@pytest.mark.parametrize('drop_last', [False, True])
@pytest.mark.parametrize(('batch_size', 'samples_per_class'), SETTINGS)
def test_an_epoch_has_every_index_once_and_its_length_is_exact(dataset, batch_size, samples_per_class, drop_last):
    sampler = default_sampler(dataset)
    batches = ClassBalancedBatchSampler(sampler, batch_size, samples_per_class, drop_last)
    plain = BatchSampler(sampler, batch_size, drop_last)
    for epoch in range(2):
        sampler.set_epoch(epoch)
        drawn = list(batches)
        assert len(drawn) == len(batches)
        assert [len(batch) for batch in drawn] == [len(batch) for batch in plain]  # only the last may be short
        assert len({*flat(drawn)}) == len(flat(drawn))


@pytest.mark.parametrize(('counts', 'single'), [([1] + [16] * 10, 0), ([30] * 194 + [29] * 5 + [1], 5965)])
def test_drop_last_does_not_leave_out_a_class_of_one_image(counts, single):
    sampler = default_sampler(Labelled(counts))
    batches = ClassBalancedBatchSampler(sampler, 16, 2, drop_last=True)
    assert len(sampler) % 16
    for epoch in range(10):
        sampler.set_epoch(epoch)
        assert single in flat(batches)


def test_fragments_that_do_not_fit_into_the_full_batches_are_in_the_last_one():
    assert group_by_class([1, 3, 0], [0, 2, 4], batch_size=2, samples_per_class=2) == [[1, 3], [0]]


def test_the_same_epoch_gives_the_same_batches_and_another_epoch_others():
    dataset = Labelled(COUNTS['cub'])
    first = ClassBalancedBatchSampler(default_sampler(dataset), 16, 2)
    second = ClassBalancedBatchSampler(default_sampler(dataset), 16, 2)
    epochs = []
    for epoch in range(2):
        first.sampler.set_epoch(epoch)
        second.sampler.set_epoch(epoch)
        epochs.append(list(first))
        assert list(first) == list(second) == epochs[epoch]
    for key in (lambda batch: frozenset(dataset.labels[batch]), frozenset):
        one, other = ({key(batch) for batch in batches} for batches in epochs)
        assert len(one & other) < 5
    assert list(ClassBalancedBatchSampler(default_sampler(dataset, seed=9), 16, 2)) != epochs[0]


def test_batches_that_are_not_balanced_may_come_anywhere_in_an_epoch():
    dataset = Labelled([5] * 20)  # 100 images in 10 batches, two of which have the fifth images
    batches = ClassBalancedBatchSampler(default_sampler(dataset), 10, 2)
    places = Counter()
    for epoch in range(40):
        batches.sampler.set_epoch(epoch)
        places.update(i for i, batch in enumerate(batches) if not is_perfect(batch, dataset.labels, 10, 2))
    assert places.keys() == {*range(10)}


def test_the_classes_that_meet_are_as_random_as_drawn_ones():
    labels = Labelled(COUNTS['cub']).labels
    batches = list(ClassBalancedBatchSampler(default_sampler(Labelled(COUNTS['cub'])), 16, 2))
    meet = np.zeros((200, 200))
    for batch in batches:
        classes = np.unique(labels[batch])
        meet[np.ix_(classes, classes)] += 1
    times = meet[np.triu_indices(200, 1)]
    # Classes drawn at random meet a Poisson number of times: variance = mean.
    # in 374 batches of 8 of the 200 classes, but for the few batches of leftovers
    assert times.mean() == pytest.approx(374 * comb(8, 2) / comb(200, 2), abs=0.01)
    assert times.var() == pytest.approx(times.mean(), rel=0.15)


# Samplers


def test_one_sample_per_class_is_the_plain_batch_sampler():
    dataset = Labelled([5, 40, 1])
    for drop_last in (False, True):
        for sampler in (default_sampler(dataset, seed=3), SequentialSampler(range(46)), SubsetRandomSampler([4])):
            ours = ClassBalancedBatchSampler(sampler, 16, samples_per_class=1, drop_last=drop_last)
            assert list(ours) == list(BatchSampler(sampler, 16, drop_last))


@pytest.mark.parametrize('world_size', [2, 7])
def test_ranks_share_the_epoch_in_equal_batches(dataset, world_size):
    samplers = [default_sampler(dataset, rank=rank, world_size=world_size) for rank in range(world_size)]
    ranks = [list(ClassBalancedBatchSampler(sampler, 16, 2)) for sampler in samplers]
    assert {len(batches) for batches in ranks} == {len(ClassBalancedBatchSampler(samplers[0], 16, 2))}
    assert len({tuple(map(len, batches)) for batches in ranks}) == 1  # `gather` needs equal batches too
    drawn = Counter(index for batches in ranks for batch in batches for index in batch)
    assert drawn == sum((Counter(sampler) for sampler in samplers), Counter())
    assert sum(drawn.values()) == -(-len(dataset) // world_size) * world_size
    assert set(drawn) == set(range(len(dataset)))


def test_copies_of_an_image_are_kept_and_go_to_different_groups():
    dataset = Labelled([30] * 40)
    batches = list(ClassBalancedBatchSampler(RepeatAugSampler(dataset, seed=0), 16, 2))
    drawn = Counter(RepeatAugSampler(dataset, seed=0))
    assert Counter(flat(batches)) == drawn
    assert max(drawn.values()) >= 3
    perfect = [batch for batch in batches if is_perfect(batch, dataset.labels, 16, 2)]
    assert len(perfect) > 0.8 * len(batches)
    assert all(len(set(batch)) == 16 for batch in perfect)


# The endless sampler


def test_an_endless_stream_is_grouped_in_rounds_of_a_bounded_length():
    class Counted(InfiniteSampler):
        read = 0

        def __iter__(self):
            for index in super().__iter__():
                self.read += 1
                yield index

    dataset = Labelled([7] * 23)  # 161 = 10 * 16 + 1
    sampler = Counted(dataset, seed=0)
    given: list[int] = []
    balanced = 0
    for batch in islice(ClassBalancedBatchSampler(sampler, 16, 2), 200):
        given += batch
        balanced += is_perfect(batch, dataset.labels, 16, 2)
        assert sampler.read - len(given) <= len(dataset) + 1
        if len(given) % 160 == 0:  # the end of a round: nothing is lost, nothing twice
            assert Counter(given) == Counter(islice(InfiniteSampler(dataset, seed=0), len(given)))
    assert balanced > 150


# Errors


@pytest.mark.parametrize(
    ('counts', 'batch_size', 'samples_per_class', 'message'),
    [
        ([30] * 20, 16, 3, '=16 must be a multiple of samples_per_class=3'),
        ([40] * 17, 64, 2, 'expected 32 classes with samples_per_class=2 images, got 17'),
        ([30] * 3 + [2] * 9, 16, 4, 'expected 4 classes with samples_per_class=4 images, got 3'),
    ],
)
def test_sizes_that_do_not_fit_are_refused(counts, batch_size, samples_per_class, message):
    with pytest.raises(ConfigError, match=message):
        ClassBalancedBatchSampler(SequentialSampler(Labelled(counts)), batch_size, samples_per_class)
