from copy import deepcopy

import pytest
import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from lcv_mm.models import LCVClassifier
from lcv_mm.ops import class_variance, residual_attention

BASELINE = dict(
    backbone=dict(type='ResNet', depth=18, out_indices=(3,)),
    head=dict(type='CBPHead', num_classes=4, in_channels=512, out_dim=32),
)
LCV = dict(**BASELINE, neck=dict(type='ResidualAttention'), variance_loss=dict(type='ClassVarianceLoss', margin=1.9))
IMAGES = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def samples(labels: list[int]) -> list[DataSample]:
    return [DataSample().set_gt_label(label) for label in labels]


@pytest.fixture(scope='module')
def model() -> LCVClassifier:
    torch.manual_seed(0)
    return MODELS.build(dict(type='LCVClassifier', **LCV)).eval()


def test_the_terms_are_those_of_the_head_and_of_the_attention_output(model):
    losses = model.loss(IMAGES, samples([0, 1, 0, 3]))
    attended = residual_attention(model.backbone(IMAGES)[-1])
    labels = torch.tensor([0, 1, 0, 3])
    inter, intra = class_variance(attended.flatten(1), labels, margin=1.9)
    torch.testing.assert_close(losses['loss_inter'], inter)
    torch.testing.assert_close(losses['loss_intra'], intra)
    torch.testing.assert_close(losses['loss_cls'], torch.nn.functional.cross_entropy(model.head((attended,)), labels))
    assert 'loss' not in losses


def test_in_the_space_of_the_head_its_linear_layers_input_is_compared():
    torch.manual_seed(0)
    loss = dict(type='ClassVarianceLoss', space='head', margin=1.9)
    model = MODELS.build(dict(type='LCVClassifier', **{**LCV, 'variance_loss': loss})).eval()
    losses = model.loss(IMAGES, samples([0, 1, 0, 3]))
    pooled = model.head.pre_logits((residual_attention(model.backbone(IMAGES)[-1]),))
    inter, intra = class_variance(pooled, torch.tensor([0, 1, 0, 3]), margin=1.9)
    torch.testing.assert_close((losses['loss_inter'], losses['loss_intra']), (inter, intra))
    model(IMAGES)
    deepcopy(model)  # fails if the model keeps a tensor of the graph


def test_the_log_shows_the_total_its_parts_and_the_mean_distances(model):
    losses = model.loss(IMAGES, samples([0, 1, 0, 3]))
    total, log = model.parse_losses(losses)
    assert set(log) == {'loss', 'loss_cls', 'loss_inter', 'loss_intra', 'dist_inter', 'dist_intra'}
    torch.testing.assert_close(total, log['loss_cls'] + log['loss_inter'] + log['loss_intra'])
    unit = torch.nn.functional.normalize(residual_attention(model.backbone(IMAGES)[-1]).flatten(1))
    distance = torch.cdist(unit.double(), unit.double())
    assert log['dist_intra'].item() == pytest.approx(distance[0, 2].item(), rel=1e-5)
    others = [distance[i, j].item() for i, j in ((0, 1), (0, 3), (1, 2), (1, 3), (2, 3))]
    assert log['dist_inter'].item() == pytest.approx(sum(others) / 5, rel=1e-5)


def test_a_batch_with_no_same_class_pair_still_trains_and_logs_no_nan(model):
    total, log = model.parse_losses(model.loss(IMAGES, samples([0, 1, 2, 3])))
    assert log['loss_intra'].item() == 0
    assert 'dist_intra' not in log
    assert torch.isfinite(torch.stack(list(log.values()))).all()
    grads = torch.autograd.grad(total, list(model.parameters()), allow_unused=True)
    assert all(torch.isfinite(grad).all() for grad in grads if grad is not None)


@pytest.mark.parametrize('space', ['map', 'pooled', 'head'])
def test_each_loss_trains_the_backbone_and_the_logged_distances_do_not(space):
    torch.manual_seed(0)
    loss = dict(type='ClassVarianceLoss', margin=1.9, space=space)
    model = MODELS.build(dict(type='LCVClassifier', **{**LCV, 'variance_loss': loss})).eval()
    losses = model.loss(IMAGES, samples([0, 1, 0, 3]))
    for name in ('loss_cls', 'loss_inter', 'loss_intra'):
        (grad,) = torch.autograd.grad(losses[name], model.backbone.conv1.weight, retain_graph=True)
        assert grad.abs().sum() > 0, name
    assert not losses['dist_inter'].requires_grad
