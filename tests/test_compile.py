"""torch.compile of whole models."""

import pytest
import torch
from lcv_models import LEVELS, lcv_model
from mmpretrain.structures import DataSample

VGG = dict(type='VGGLayers', depth=11, out_layers=('relu4_2', 'relu5_1', 'relu5_2'))
RESNET = dict(type='ResNetLayers', out_layers=LEVELS, norm_eval=True)
HEADS = {
    'cbp_ts': dict(type='CBPHead', out_dim=4096),  # by the product, as in compiled models
    'hbp': dict(type='HBPHead', proj_dim=64),
}


@pytest.mark.parametrize(('head', 'backbone'), [('cbp_ts', VGG), ('hbp', RESNET)])
def test_a_compiled_model_is_one_graph_with_the_same_losses_and_gradients(head, backbone):
    model = lcv_model(HEADS[head], backbone, in_channels=512).train()
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
