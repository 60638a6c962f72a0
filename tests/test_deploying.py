"""What docs/own_images.md says can be exported by hand: exporters and heads, in whole models, through files."""

from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest
import torch
from lcv_models import lcv_model
from torch import Tensor, nn

Model = Callable[[Tensor], Tensor]
HEADS = {
    'cbp by tensor sketch': dict(type='CBPHead', out_dim=64),
    'cbp by random Maclaurin': dict(type='CBPHead', out_dim=64, projection='rm'),
    'bcnn': dict(type='BCNNHead'),
    'hbp': dict(type='HBPHead', proj_dim=64),
}


def scoring_model(head: str) -> nn.Module:
    model = lcv_model(HEADS[head])
    nn.init.normal_(model.head.fc.weight)  # scores of about 1
    return model.eval()


def traced(model: nn.Module, images: Tensor, file: Path) -> Model:
    torch.jit.trace(model, (images,)).save(file)
    return torch.jit.load(file)


def exported(model: nn.Module, images: Tensor, file: Path) -> Model:
    batch = {0: torch.export.Dim('batch', min=1)}
    torch.export.save(torch.export.export(model, (images,), dynamic_shapes={'inputs': batch}), file)
    return torch.export.load(file).module()


def onnx_by_tracing(model: nn.Module, images: Tensor, file: Path) -> Model:
    names = dict(input_names=['inputs'], output_names=['scores'])
    axes = {'inputs': {0: 'batch'}, 'scores': {0: 'batch'}}
    torch.onnx.export(model, (images,), file, dynamo=False, dynamic_axes=axes, **names)
    session = onnxruntime.InferenceSession(file)
    return lambda images: torch.from_numpy(session.run(None, {'inputs': images.numpy()})[0])


# with fewer places than channels HBP and random Maclaurin project each place, with more they take the Gram matrix
CASES = [(traced, head, side) for head in HEADS for side in (64, 32)]
CASES += [(exporter, head, 64) for exporter in (exported, onnx_by_tracing) for head in ('cbp by tensor sketch', 'hbp')]


@pytest.mark.parametrize(('exporter', 'head', 'side'), CASES)
def test_an_exported_model_takes_any_batch_and_a_traced_one_images_of_any_size(exporter, head, side, tmp_path):
    model = scoring_model(head)
    again = exporter(model, torch.randn(3, 3, side, side), tmp_path / 'model.pt2')
    for count, size in ((1, side), (5, side), (2, 96 if exporter is traced else side)):
        images = torch.randn(count, 3, size, size)
        torch.testing.assert_close(again(images), model(images), rtol=1e-4, atol=1e-5)


def test_a_classifier_can_be_quantised():
    model = scoring_model('cbp by tensor sketch')
    images = torch.randn(4, 3, 64, 64)
    if not hasattr(torch.ao.quantization, 'quantize_dynamic'):
        pytest.skip('moved to torchao')
    again = torch.ao.quantization.quantize_dynamic(model, {nn.Linear})
    assert again.head.fc.weight().dtype == torch.qint8
    assert (again(images) - model(images)).norm() / model(images).norm() < 0.05
