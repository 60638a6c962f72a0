import numpy as np
from mmengine.dataset import DefaultSampler

from lcv_mm.gca import NeighborBatchSampler

GRAPH = np.array([[i, (i + 1) % 20, (i + 7) % 20] for i in range(20)])


def sampler_of(seed: int = 0, epoch: int = 0, **settings) -> NeighborBatchSampler:
    sampler = DefaultSampler(list(range(20)), shuffle=True, seed=seed)
    sampler.set_epoch(epoch)
    batches = NeighborBatchSampler(sampler, 6, **settings)
    batches.set_graph(GRAPH)
    return batches


def test_a_batch_is_anchors_and_then_a_neighbor_of_each():
    batches = list(sampler_of())
    assert [len(batch) for batch in batches] == [12] * 3
    assert len(batches) == len(sampler_of())
    anchors = [index for batch in batches for index in batch[:6]]
    assert len(set(anchors)) == 18
    for batch in batches:
        assert all(other in GRAPH[anchor] for anchor, other in zip(batch[:6], batch[6:], strict=True))


def test_each_neighbor_is_drawn_as_often():
    counts = np.zeros(3)
    for epoch in range(200):
        for batch in sampler_of(epoch=epoch):
            for anchor, other in zip(batch[:6], batch[6:], strict=True):
                counts[GRAPH[anchor].tolist().index(other)] += 1
    expected = counts.sum() / 3
    assert (abs(counts - expected) < 4 * np.sqrt(expected)).all()


def test_the_draws_follow_from_seed_and_epoch():
    first = list(sampler_of(seed=1, epoch=3))
    assert first == list(sampler_of(seed=1, epoch=3))
    assert first != list(sampler_of(seed=1, epoch=4))
    assert first != list(sampler_of(seed=2, epoch=3))


def test_neighbors_are_no_draw_that_the_choice_of_the_labelled_images_has_made():
    # both are of (seed, number): in epoch 1 it would be the same stream
    for epoch in range(2):
        columns = [
            GRAPH[anchor].tolist().index(other)
            for batch in sampler_of(epoch=epoch)
            for anchor, other in zip(batch[:6], batch[6:], strict=True)
        ]
        rng = np.random.default_rng((0, epoch))
        assert columns != [int(column) for _ in range(3) for column in rng.integers(3, size=6)]
