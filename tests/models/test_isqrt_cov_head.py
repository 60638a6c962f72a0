import pytest
import torch
from mmpretrain.registry import MODELS

from lcv_mm.errors import ConfigError


def build(**options) -> torch.nn.Module:
    torch.manual_seed(0)
    return MODELS.build(dict(type='ISQRTCOVHead', num_classes=5, **options)).eval()


def test_without_reduction_the_classifier_sees_the_root_of_the_maps_covariance():
    head = build(in_channels=4, reduce_channels=None, iterations=20)
    x = torch.randn(3, 4, 6, 6)
    root = torch.zeros(4, 4, dtype=torch.float64)
    pooled = head.pre_logits((torch.zeros(3, 2, 9, 9), x))
    for image, row in zip(x.double(), pooled.double(), strict=True):
        root[torch.triu_indices(4, 4).unbind()] = row
        symmetric = root + root.T - torch.diag(root.diagonal())
        torch.testing.assert_close(
            symmetric @ symmetric, torch.cov(image.flatten(1), correction=0), rtol=1e-3, atol=1e-3
        )
    torch.testing.assert_close(head((x,)), head.fc(pooled))


def test_a_convolution_with_norm_and_relu_reduces_the_channels():
    head = build(in_channels=6, reduce_channels=3)
    assert head.fc.in_features == 6
    x = torch.randn(2, 6, 5, 5)
    conv, norm, _ = head.reduce
    torch.nn.init.uniform_(norm.running_mean)
    reduced = torch.einsum('dc,nchw->ndhw', conv.weight[:, :, 0, 0], x) - norm.running_mean[:, None, None]
    reduced = (reduced / (1 + norm.eps) ** 0.5).clamp(min=0)
    plain = build(in_channels=3, reduce_channels=None)
    torch.testing.assert_close(head.pre_logits((x,)), plain.pre_logits((reduced,)), rtol=1e-4, atol=1e-5)


def test_a_map_of_one_position_is_refused():
    with pytest.raises(ConfigError, match='one position has no covariance'):
        build(in_channels=4)((torch.randn(2, 4, 1, 1),))


def test_the_authors_defaults():
    head = build(in_channels=512)
    assert (head.fc.in_features, head.iterations) == (256 * 257 // 2, 5)
