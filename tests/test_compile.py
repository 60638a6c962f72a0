"""torch.compile of whole models and torch.export of the heads."""

import pytest
import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import nn

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


class Scores(nn.Module):
    """A head as torch.export takes it: levels in, scores out."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, levels: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return self.head(levels)


@pytest.mark.parametrize('side', [4, 24], ids=['fewer places than channels', 'more places'])
@pytest.mark.parametrize('head', HEADS)
def test_an_exported_head_takes_any_batch(head, side):
    module = Scores(MODELS.build(HEADS[head])).eval()
    levels = tuple(torch.randn(3, 512, side, side).relu() for _ in range(3 if head == 'hbp' else 1))
    any_batch = ({0: torch.export.Dim('batch', min=1)},) * len(levels)
    exported = torch.export.export(module, (levels,), dynamic_shapes=(any_batch,))
    for size in (1, 5):
        other = tuple(torch.randn(size, 512, side, side).relu() for _ in levels)
        torch.testing.assert_close(exported.module()(other), module(other), rtol=1e-4, atol=1e-5)
