import torch
from mmpretrain.registry import MODELS

from lcv_mm.models import BCNNHead


def build() -> BCNNHead:
    return MODELS.build(dict(type='BCNNHead', num_classes=5, in_channels=6))


def test_pre_logits_are_outer_products_root_and_unit_length():
    x = torch.randn(3, 6, 4, 5)
    outer = torch.einsum('ncij,ndij->ncd', x.double(), x.double()).flatten(1) / 20
    root = outer.sign() * outer.abs().sqrt()
    expected = root / root.square().sum(1, keepdim=True).sqrt()
    torch.testing.assert_close(build().pre_logits((x,)).double(), expected, rtol=1e-4, atol=1e-5)


def test_the_classifier_sees_every_pair_of_channels():
    head = build()
    assert head.fc.weight.shape == (5, 36)
    x = torch.randn(2, 6, 3, 3)
    torch.testing.assert_close(head((torch.zeros(2, 3, 9, 9), x)), head.fc(head.pre_logits((x,))))
