import torch

from lcv_mm.models import BCNNHead


def test_pre_logits_are_outer_products_root_and_unit_length():
    x = torch.randn(3, 6, 4, 5)
    outer = torch.einsum('ncij,ndij->ncd', x.double(), x.double()).flatten(1) / 20
    root = outer.sign() * outer.abs().sqrt()
    expected = root / root.square().sum(1, keepdim=True).sqrt()
    head = BCNNHead(num_classes=5, in_channels=6)
    torch.testing.assert_close(head.pre_logits((x,)).double(), expected, rtol=1e-4, atol=1e-5)
