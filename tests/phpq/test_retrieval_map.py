"""mAP against a slow loop."""

import math

import pytest
import torch
from mmpretrain.structures import DataSample

from lcv_mm.phpq import ClassScoreAccuracy, RetrievalMAP, average_precision


def test_it_equals_a_slow_loop_and_rankings_by_hand():
    hits = torch.tensor([[1, 0, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0]])
    assert average_precision(hits).tolist() == pytest.approx([(1 / 1 + 2 / 3) / 2, 1 / 4, 1.0], abs=1e-15)
    rankings = torch.rand(6, 30, generator=torch.Generator().manual_seed(0)) < 0.3
    for ranking, found in zip(rankings, average_precision(rankings), strict=True):
        precisions = [sum(ranking[: rank + 1]) / (rank + 1) for rank in range(len(ranking)) if ranking[rank]]
        assert float(found) == pytest.approx(float(sum(precisions) / len(precisions)), abs=1e-6)


def samples() -> list[DataSample]:
    """Queries of three classes with scores of a database of 40 images; the order of the scores is a permutation."""
    generator = torch.Generator().manual_seed(1)
    database = torch.randint(3, (40,), generator=generator)
    made = []
    for label in (0, 1, 2, 1):
        scores = torch.randperm(40, generator=generator).float()
        sample = DataSample().set_gt_label(label).set_pred_score(scores)
        sample.set_pred_label(scores.argsort(descending=True)).set_gt_score((database == label).float())
        made.append(sample)
    return made


def evaluate(metric: RetrievalMAP, queries: list[DataSample]) -> dict[str, float]:
    metric.process({}, [sample.to_dict() for sample in queries])
    return metric.evaluate(len(queries))


def test_a_query_with_nothing_to_find_is_left_out_and_counted(caplog_mmengine):
    alone = DataSample().set_gt_label(3).set_pred_score(torch.arange(40.0)).set_pred_label(torch.arange(40))
    alone.set_gt_score(torch.zeros(40))
    assert evaluate(RetrievalMAP(), [*samples(), alone]) == evaluate(RetrievalMAP(), samples())
    assert '1 of 5 queries have no relevant image, left out' in caplog_mmengine()
    assert math.isnan(evaluate(RetrievalMAP(), [alone])['retrieval/mAP'])


def test_top1_is_of_the_classes_and_not_of_the_ranking():
    metric = ClassScoreAccuracy(topk=(1,))
    queries = samples()  # of the classes 0, 1, 2, 1
    for sample, right in zip(queries, (True, True, True, False), strict=True):
        scores = torch.zeros(3)
        scores[int(sample.gt_label) if right else 0] = 1.0
        sample.set_field(scores, 'class_score')
    metric.process({}, [sample.to_dict() for sample in queries])
    assert metric.evaluate(4) == {'accuracy/top1': 75.0}
