"""torch.compile of whole models."""

import pytest
import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

import lcv_mm  # noqa: F401  registers the parts

VGG = dict(type='VGGLayers', depth=11, out_layers=('relu4_2', 'relu5_1', 'relu5_2'))
RESNET = dict(type='ResNetLayers', out_layers=('layer4.0', 'layer4.1.relu1', 'layer4.1'), norm_eval=True)
HEADS = {
    'cbp_ts': dict(type='CBPHead', num_classes=4, in_channels=512, out_dim=64),
    'cbp_rm': dict(type='CBPHead', num_classes=4, in_channels=512, out_dim=64, projection='rm'),
    'bcnn': dict(type='BCNNHead', num_classes=4, in_channels=512),
    'hbp': dict(type='HBPHead', num_classes=4, in_channels=512, proj_dim=64),
}


@pytest.mark.parametrize(('head', 'backbone'), [('cbp_ts', VGG), ('bcnn', VGG), ('cbp_rm', RESNET), ('hbp', RESNET)])
def test_a_compiled_model_is_one_graph_with_the_same_losses_and_gradients(head, backbone):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='LCVClassifier',
            backbone=backbone,
            neck=dict(type='ResidualAttention'),
            head=HEADS[head],
            variance_loss=dict(type='ClassVarianceLoss'),
        )
    ).train()
    images, samples = torch.randn(4, 3, 64, 64), [DataSample().set_gt_label(label) for label in (0, 0, 1, 1)]
    torch._dynamo.reset()
    compiled = torch.compile(model, backend='aot_eager', fullgraph=True)  # fullgraph: a graph break is an error
    results = []
    for forward in (model, compiled):
        model.zero_grad()
        losses = forward(images, samples, mode='loss')
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        results.append((losses, [p.grad for p in model.parameters() if p.grad is not None]))
    (expected, expected_grads), (got, grads) = results
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(got[name], value, rtol=1e-5, atol=1e-6, msg=name)
    for a, b in zip(grads, expected_grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
