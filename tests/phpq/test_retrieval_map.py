"""mAP against rankings worked by hand, a slow loop, and MMPretrain's own metric."""

import math

import pytest
import torch
from mmpretrain.evaluation import RetrievalAveragePrecision
from mmpretrain.structures import DataSample

from lcv_mm.phpq import ClassScoreAccuracy, RetrievalMAP, average_precision


def test_three_rankings_by_hand():
    hits = torch.tensor([[1, 0, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0]])
    expected = [(1 / 1 + 2 / 3) / 2, 1 / 4, 1.0]
    assert average_precision(hits).tolist() == pytest.approx(expected, abs=1e-15)


def test_a_query_with_nothing_to_find_is_left_out_and_counted(caplog_mmengine):
    assert average_precision(torch.zeros(1, 4)).isnan().tolist() == [True]
    alone = DataSample().set_gt_label(3).set_pred_score(torch.arange(40.0)).set_pred_label(torch.arange(40))
    scores = []
    for more in ([], [alone.set_gt_score(torch.zeros(40))]):
        metric = RetrievalMAP()
        metric.process({}, [sample.to_dict() for sample in samples() + more])
        scores.append(metric.evaluate(4 + len(more))['retrieval/mAP'])
    assert scores[0] == scores[1]
    assert '1 of 5 queries have no relevant image, left out' in caplog_mmengine()
    metric.process({}, [alone.to_dict()])
    assert math.isnan(metric.evaluate(1)['retrieval/mAP'])


def test_a_ranking_by_scores_that_are_no_numbers_has_no_precision():
    metric = RetrievalMAP()
    queries = samples()
    queries[1].pred_score[7] = math.nan
    metric.process({}, [sample.to_dict() for sample in queries])
    assert math.isnan(metric.evaluate(4)['retrieval/mAP'])


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


def test_the_metric_equals_mmpretrains_over_the_whole_database():
    ours, theirs = RetrievalMAP(), RetrievalAveragePrecision(topk=40)
    for metric in (ours, theirs):
        metric.process({}, [sample.to_dict() for sample in samples()])
    (found,), (expected,) = ours.evaluate(4).items(), theirs.evaluate(4).items()
    assert found[0] == 'retrieval/mAP'
    assert found[1] == pytest.approx(expected[1], abs=1e-4)
    assert 0 < found[1] < 100


def test_top1_is_of_the_classes_and_not_of_the_ranking():
    metric = ClassScoreAccuracy(topk=(1,))
    queries = samples()  # of the classes 0, 1, 2, 1
    for sample, right in zip(queries, (True, True, True, False), strict=True):
        scores = torch.zeros(3)
        scores[int(sample.gt_label) if right else 0] = 1.0
        sample.set_field(scores, 'class_score')
    metric.process({}, [sample.to_dict() for sample in queries])
    assert metric.evaluate(4) == {'accuracy/top1': 75.0}
