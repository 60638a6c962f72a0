import numpy as np
from mmengine.dataset import DefaultSampler

from lcv_mm.gca import LabelBalancedSampler, NeighborBatchSampler

GRAPH = np.array([[i, (i + 1) % 20, (i + 7) % 20] for i in range(20)])


def batches_of(seed: int = 0, epoch: int = 0, **settings) -> list[list[int]]:
    sampler = DefaultSampler(list(range(20)), shuffle=True, seed=seed)
    sampler.set_epoch(epoch)
    batches = NeighborBatchSampler(sampler, 6, **settings)
    batches.set_graph(GRAPH)
    assert len(batches) == len(list(batches))
    return list(batches)


def test_a_batch_is_anchors_and_then_a_neighbor_of_each():
    counts = np.zeros(3)
    for epoch in range(200):
        batches = batches_of(epoch=epoch)
        assert [len(batch) for batch in batches] == [12] * 3
        assert len({index for batch in batches for index in batch[:6]}) == 18
        for batch in batches:
            for anchor, other in zip(batch[:6], batch[6:], strict=True):
                counts[GRAPH[anchor].tolist().index(other)] += 1
    expected = counts.sum() / 3
    assert (abs(counts - expected) < 4 * np.sqrt(expected)).all()  # each neighbour is drawn as often
    assert [len(batch) for batch in batches_of(drop_last=False)] == [12, 12, 12, 4]


def test_the_neighbors_depend_on_seed_epoch_and_rank():
    def drawn(**changed) -> list[int]:
        sampler = DefaultSampler(list(range(20)), shuffle=False, seed=0)
        vars(sampler).update(changed)
        batches = NeighborBatchSampler(sampler, 6)
        batches.set_graph(GRAPH)
        return [(b - a) % 20 for batch in batches for a, b in zip(batch[:6], batch[6:], strict=True)]

    assert drawn() == drawn()
    assert drawn() not in (drawn(seed=1), drawn(epoch=1), drawn(rank=1))


def test_without_a_graph_an_image_is_its_own_neighbor():
    for batch in NeighborBatchSampler(DefaultSampler(list(range(20)), shuffle=True, seed=0), 6):
        assert batch[:6] == batch[6:]


class Labelled(list):
    """Labels as a dataset gives them; images 0 to 3 of 20 are labelled."""

    @property
    def targets(self) -> list[int]:
        return self


def test_labelled_and_unlabelled_images_are_drawn_equally_often_with_replacement(monkeypatch):
    dataset = Labelled([0, 1, 0, 1] + [-1] * 16)
    sampler = LabelBalancedSampler(dataset, shuffle=True, seed=0)
    counts, epochs = np.zeros(20), []
    for epoch in range(300):
        sampler.set_epoch(epoch)
        epochs.append(list(sampler))
        counts += np.bincount(epochs[-1], minlength=20)
    assert all(len(drawn) == len(sampler) == 20 for drawn in epochs)
    assert epochs[0] != epochs[1]
    expected = np.array([10 / 4] * 4 + [10 / 16] * 16) * 300  # half of 20 draws for either kind
    assert (abs(counts - expected) < 4 * np.sqrt(expected)).all()

    parts = []
    for rank in (0, 1):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda rank=rank: (rank, 2))
        parts.append(list(LabelBalancedSampler(dataset, seed=0)))
    assert [index for pair in zip(*parts, strict=True) for index in pair] == epochs[0]
