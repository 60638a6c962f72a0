import pytest
import torch
from lcv_models import lcv_model
from mmpretrain.structures import DataSample

from lcv_mm.errors import ConfigError
from lcv_mm.models import ClassVarianceLoss, MetricLearningLoss
from lcv_mm.ops import residual_attention

FEATS = torch.rand(6, 3, 2, 5, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 0, 2, 1, 1])


def contrastive(**options) -> MetricLearningLoss:
    """Contrastive loss as the mean over all pairs; the package's default leaves out those with a loss of 0."""
    from pytorch_metric_learning.reducers import MeanReducer

    return MetricLearningLoss(dict(type='ContrastiveLoss', neg_margin=1.0, reducer=MeanReducer()), **options)


@pytest.mark.parametrize('space', ['map', 'pooled'])
def test_our_hinge_with_weights_of_one_is_its_contrastive_loss(space):
    ours, theirs = ClassVarianceLoss(space=space), contrastive(space=space)
    first, second = (FEATS.clone().requires_grad_() for _ in range(2))
    total = sum(ours(first, LABELS).values())
    other = theirs(second, LABELS)['loss_metric']
    torch.testing.assert_close(total, other)
    assert total > 0.2  # close features: the hinge acts
    torch.testing.assert_close(*torch.autograd.grad(total, first), *torch.autograd.grad(other, second))


def test_a_batch_with_no_same_class_pair_gives_a_loss_that_trains():
    feats = FEATS[:3].clone().requires_grad_()
    terms = contrastive().terms(feats, torch.tensor([0, 1, 2]))
    terms['loss_metric'].backward()
    assert torch.isfinite(feats.grad).all()
    assert torch.isnan(terms['dist_intra'])


def test_autocast_does_not_round_the_loss():
    from pytorch_metric_learning.losses import SupConLoss

    expected = SupConLoss()(FEATS.flatten(1), LABELS)  # of cosines, by a matrix product
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = MetricLearningLoss('SupConLoss')(FEATS, LABELS)['loss_metric']
    torch.testing.assert_close(found, expected)


def test_an_unknown_space_is_refused():
    with pytest.raises(ConfigError, match="space='maps' is unknown"):
        MetricLearningLoss('SupConLoss', space='maps')


def test_it_stands_in_a_classifier_and_its_term_is_in_the_log():
    model = lcv_model(
        dict(type='CBPHead', out_dim=32), type='MetricLearningLoss', loss='SupConLoss', space='head'
    ).eval()
    images = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 0, 1])
    losses = model.loss(images, [DataSample().set_gt_label(label) for label in labels])
    _, log = model.parse_losses(losses)
    assert set(log) == {'loss', 'loss_cls', 'loss_metric', 'dist_inter', 'dist_intra'}
    pooled = model.head.pre_logits((residual_attention(model.backbone(images)[-1]),))
    expected = MetricLearningLoss('SupConLoss')(pooled, labels)['loss_metric']
    torch.testing.assert_close(log['loss_metric'], expected)


def test_level_weight_and_miner_are_used():
    levels, rows = (FEATS, torch.zeros(6, 3)), torch.nn.functional.normalize(FEATS.flatten(1))
    distance = torch.cdist(rows, rows)
    hardest = [
        max(distance[i, j] for j in range(6) if j != i and LABELS[j] == label)
        - min(distance[i, j] for j in range(6) if LABELS[j] != label)
        for i, label in enumerate(LABELS)
        if label != 2  # one sample, without a positive
    ]
    loss = MetricLearningLoss(dict(type='TripletMarginLoss', margin=5.0), 'BatchHardMiner', level=0, weight=3.0)
    assert loss(levels, LABELS)['loss_metric'].item() == pytest.approx(3 * (5 + sum(hardest).item() / 5), rel=1e-5)
