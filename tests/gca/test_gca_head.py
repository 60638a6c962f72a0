import math
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmpretrain.structures import DataSample

from lcv_mm.errors import ConfigError
from lcv_mm.gca import AggregationHook, GCAHead
from lcv_mm.gca.aggregation import aggregate, neighbor_loss, pair_loss
from lcv_mm.gca.hooks import join_clusters, neighbor_agreement, validation_losses


def head_of(stage: int = 2) -> GCAHead:
    torch.manual_seed(0)
    head = GCAHead(4, num_clusters=3, num_images=8, num_small_clusters=5, num_heads=2, num_neighbors=2)
    head.neighbors.copy_(torch.tensor([[i, (i + 1) % 8] for i in range(8)]))
    head.clusters.copy_(torch.tensor([0, 1, 2, 3, 4, 0, 1, 2]))
    head.joined.copy_(torch.tensor([[(2 * a + b) % 3 == 0 for b in range(5)] for a in range(5)]))
    head.stage.fill_(stage)
    return head


def samples_of(numbers: list[int], label: int = 0) -> list[DataSample]:
    return [DataSample(metainfo=dict(sample_idx=number)).set_gt_label(label) for number in numbers]


def test_the_loss_is_the_mean_over_the_levels_and_the_targets_are_of_the_images_clusters():
    head, feats = head_of(), torch.randn(6, 4)
    losses = head.loss((feats,), samples_of([7, 1, 4, 0, 0, 0]))
    small = [
        neighbor_loss(head.small_clusters(feats[:3])[:, [h]], head.small_clusters(feats[3:])[:, [h]]) for h in (0, 1)
    ]
    assert losses['loss_small'].item() == pytest.approx(torch.cat(small).mean().item() / 2)
    cluster = {7: 2, 1: 1, 4: 4}
    targets = torch.tensor([[(2 * cluster[i] + cluster[j]) % 3 == 0 for j in (7, 1, 4)] for i in (7, 1, 4)])
    assert losses['loss_final'].item() == pytest.approx(pair_loss(head.level1(feats[:3]), targets).item() / 2)
    assert losses == head_of().loss((feats,), samples_of([7, 1, 4, 0, 0, 0], label=2))  # no loss reads a label
    before = head_of(stage=1).loss((feats,), samples_of([0] * 6))
    assert list(before) == ['loss_small']
    assert before['loss_small'].item() == pytest.approx(torch.cat(small).mean().item())


def test_a_head_without_a_graph_asks_for_the_hook_that_builds_it():
    with pytest.raises(ConfigError, match='no neighbour graph; add AggregationHook'):
        head_of(stage=0).loss((torch.randn(6, 4),), samples_of([0] * 6))


def test_the_predicted_label_is_the_most_probable_final_cluster():
    head, feats = head_of(), torch.randn(4, 4)
    for row, sample in zip(feats, head.predict((feats,), [DataSample() for _ in feats]), strict=True):
        logits = (head.level1.weight @ row + head.level1.bias).tolist()
        assert sample.pred_label.tolist() == [logits.index(max(logits))]
        assert sample.pred_score.tolist() == pytest.approx(torch.tensor(logits).softmax(0).tolist())


@pytest.mark.parametrize('labels', [[0, 1, 0, -1, 1, -1, -1, 0], [-1] * 8])
def test_clusters_are_joined_by_the_head_of_lowest_loss(labels):
    head, feats = head_of(stage=1), torch.randn(8, 4)
    with torch.no_grad():
        head.level0.weight[:5] = 0  # the first head knows nothing
        head.level0.bias[:5] = torch.tensor([9.0, 0, 0, 0, 0])
    probs = (feats @ head.level0.weight[5:].T + head.level0.bias[5:]).softmax(1)
    chosen = probs.argmax(1)
    weights = torch.zeros(5, 5)
    for i in range(8):
        for j in (i, (i + 1) % 8):
            weights += torch.outer(probs[i], probs[j]).detach()
        for j in range(8):
            if labels[i] >= 0 and labels[j] >= 0:
                weights[chosen[i], chosen[j]] += 1 if labels[i] == labels[j] else -1
    join_clusters(head, feats, torch.tensor(labels), batch_size=8, seed=0)
    assert torch.equal(head.clusters, chosen)
    assert torch.equal(head.joined, aggregate(weights))
    assert head.stage == 2


class Points:
    """Eight images that are their features, and of which half are labelled."""

    feats = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 0, -1, 1, -1, -1, -1])

    def __init__(self, dataset: dict) -> None:
        pass

    def __len__(self) -> int:
        return 8

    def __getitem__(self, i: int) -> dict:
        return dict(inputs=self.feats[i], data_samples=DataSample().set_gt_label(self.labels[i]))


class Identity(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = head_of(stage=1)

    def data_preprocessor(self, batch: dict, training: bool) -> dict:
        return batch

    def extract_feat(self, inputs: torch.Tensor) -> tuple[torch.Tensor]:
        return (inputs,)


def test_the_unguided_arm_joins_as_if_no_image_were_labelled():
    cfg = Config(dict(train_dataloader=dict(num_workers=0, dataset=dict(type=Points, dataset=dict()))))
    joined = {}
    for guided, labels in ((True, Points.labels), (False, torch.full((8,), -1))):
        model, expected = Identity(), head_of(stage=1)
        hook = AggregationHook([], begin=5, guided=guided, batch_size=8)
        for epoch in (3, 4):
            assert model.head.stage == 1
            hook.after_train_epoch(SimpleNamespace(cfg=cfg, model=model, epoch=epoch))
        join_clusters(expected, Points.feats, labels, batch_size=8, seed=4)
        assert model.head.stage == 2
        assert torch.equal(model.head.joined, expected.joined)
        joined[guided] = expected.joined
    assert not torch.equal(joined[True], joined[False])


def test_the_validation_loss_is_over_every_image_and_its_own_neighbor():
    logits, neighbors = torch.randn(6, 2, 4), torch.tensor([[2], [0], [5], [1], [3], [4]])
    p = logits.softmax(-1)
    expected = -(p * p[neighbors[:, 0]]).sum(-1).log().mean(0)
    for size in (2, 6):
        torch.testing.assert_close(validation_losses(logits, neighbors, 0.0, size, seed=0), expected)


def test_agreement_is_that_of_labelled_neighbors_other_than_the_image_itself():
    neighbors = torch.tensor([[0, 1, 2], [1, 0, 3], [2, 3, 3], [3, 0, 1]])
    # edges between labelled images: 0-1 and 1-0 have equal labels, 0-2 has not
    assert neighbor_agreement(torch.tensor([0, 0, 1, -1]), neighbors) == pytest.approx(200 / 3)
    assert math.isnan(neighbor_agreement(torch.full((4,), -1), neighbors))
