"""Which features are put into the data samples; a whole run with it is in test_class_variance_metric.py."""

from types import SimpleNamespace

import pytest
import torch
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample

from lcv_mm.engine import PooledFeatureHook

HEAD = dict(type='LinearClsHead', in_channels=512, num_classes=3, topk=(1,))


@pytest.mark.parametrize('neck', [None, dict(type='GlobalAveragePooling')])
def test_they_are_the_last_level_that_goes_into_the_head_mean_over_places(neck):
    # without the neck the head is given maps, and with it vectors
    head = HEAD if neck else dict(type='CBPHead', in_channels=512, num_classes=3, out_dim=16)
    model = ImageClassifier(dict(type='ResNet', depth=18, out_indices=(2, 3)), neck, head).eval()
    images = torch.randn(2, 3, 64, 64)
    runner = SimpleNamespace(model=model)
    hook = PooledFeatureHook()
    hook.before_val(runner)
    with torch.no_grad():
        samples = model(images, [DataSample(), DataSample()], mode='predict')
        expected = model.backbone(images)[-1].mean((2, 3))
    hook.after_val(runner)
    for sample, feat in zip(samples, expected, strict=True):
        torch.testing.assert_close(sample.pooled_feat, feat)
    # in training it is not there
    samples = model.train()(images, [DataSample(), DataSample()], mode='predict')
    assert not any('pooled_feat' in sample for sample in samples)
