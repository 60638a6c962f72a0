"""tools/export.py: what the files predict, from images and metadata alone, against the model by hand."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from mmengine.config import Config
from mmpretrain.models import LinearClsHead
from mmpretrain.registry import MODELS
from PIL import Image
from scipy.special import softmax
from torch import Tensor, nn

import lcv_mm  # noqa: F401  registers the parts

CLASSES = ['Ara ararauna', 'Großer Brachvogel', 'heron', 'owl']
MEAN, STD = [120.0, 90.0, 150.0], [60.0, 50.0, 70.0]  # R, G, B: a difference for each channel
SIZE = (24, 40)
HEADS = {
    'cbp': dict(type='CBPHead', in_channels=8, out_dim=64),
    'cbp by random Maclaurin': dict(type='CBPHead', in_channels=8, out_dim=64, projection='rm'),
    'bcnn': dict(type='BCNNHead', in_channels=8),
    'hbp': dict(type='HBPHead', in_channels=(8, 8, 8), proj_dim=64),
    'linear': dict(type='LinearClsHead', in_channels=8),
}


@MODELS.register_module(force=True)
class ThreeLevels(nn.Module):
    """Small, because exporting takes as long as a model has layers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU())
        self.convs = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(3))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.stem(x)
        return tuple(conv(x).relu() for conv in self.convs)


@MODELS.register_module(force=True)
class Sharper(LinearClsHead):
    """Predicts something else than the softmax of its scores, as a head of a user may."""

    def _get_predictions(self, cls_score: Tensor, data_samples: list | None) -> list:
        return super()._get_predictions(3 * cls_score, data_samples)


def settings(head: str, to_rgb: bool = True) -> dict:
    """A config: LCV on the bilinear heads, MMPretrain's own parts on the linear one."""
    steps = ['LoadImageFromFile', dict(type='ResizeEdge', scale=48), dict(type='CenterCrop', crop_size=SIZE[::-1])]
    pipeline = [step if isinstance(step, dict) else dict(type=step) for step in [*steps, 'PackInputs']]
    lcv = dict(type='LCVClassifier', neck=dict(type='ResidualAttention'), variance_loss=dict(type='ClassVarianceLoss'))
    plain = dict(type='ImageClassifier', neck=dict(type='GlobalAveragePooling'))
    model = dict(plain if head == 'linear' else lcv, backbone=dict(type='ThreeLevels'))
    return dict(
        model=dict(model, head=dict(HEADS[head], num_classes=len(CLASSES))),
        data_preprocessor=dict(mean=MEAN, std=STD, to_rgb=to_rgb),
        test_dataloader=dict(dataset=dict(type='CustomDataset', data_root='not needed', pipeline=pipeline)),
        default_scope='mmpretrain',
    )


def trained(config: dict, folder: Path) -> tuple[nn.Module, Path, Path]:
    """A model whose probabilities differ from image to image, its config file and its checkpoint."""
    torch.manual_seed(0)
    model = MODELS.build(config['model'])
    for name, parameter in model.named_parameters():
        if name.startswith('head.fc'):
            nn.init.normal_(parameter, std=3.0)
    nn.init.uniform_(model.backbone.stem[1].running_mean)
    torch.save(dict(state_dict=model.state_dict(), meta=dict(dataset_meta=dict(classes=CLASSES))), folder / 'model.pth')
    Config(config).dump(folder / 'birds.py')
    return model.eval(), folder / 'birds.py', folder / 'model.pth'


@torch.no_grad()
def by_hand(model: nn.Module, images: np.ndarray, to_rgb: bool) -> np.ndarray:
    """Probabilities of RGB images, as the toolbox defines them."""
    if not to_rgb:  # the model takes the channels as OpenCV loads them
        images = images[:, [2, 1, 0]]
    inputs = (images - np.array(MEAN).reshape(3, 1, 1)) / np.array(STD).reshape(3, 1, 1)
    return softmax(model(torch.tensor(inputs, dtype=torch.float32)).numpy(), axis=1)


def check(run: Callable[[np.ndarray], np.ndarray], model: nn.Module, to_rgb: bool) -> None:
    """Batches of sizes other than those it was exported and checked with, too."""
    for count in (1, 2, 5):
        images = np.random.default_rng(count).integers(256, size=(count, 3, *SIZE), dtype=np.uint8)
        expected = by_hand(model, images, to_rgb)
        assert expected.max() - expected.min() > 0.1
        np.testing.assert_allclose(run(images), expected, atol=1e-5)


@pytest.mark.parametrize('head', ['cbp', 'hbp'])
def test_an_onnx_file_predicts_from_rgb_images_in_batches_of_any_size(head, run_here, tmp_path):
    model, config, checkpoint = trained(settings(head), tmp_path)
    said = run_here('export', config, checkpoint, tmp_path / 'new/birds.onnx').stdout
    assert '4 class names, RGB uint8 images of 24 x 40' in said
    assert float(said.split()[-1]) < 1e-5
    assert {file.name for file in tmp_path.rglob('*')} == {'new', 'birds.onnx', 'birds.py', 'model.pth'}
    session = onnxruntime.InferenceSession(tmp_path / 'new/birds.onnx')
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata['classes']) == CLASSES
    assert json.loads(metadata['crop']) == [*SIZE]
    assert json.loads(metadata['resize']) == 48
    assert metadata['config'] == 'birds'
    check(lambda images: session.run(['probabilities'], {'images': images})[0], model, True)


def test_a_torch_export_file_predicts_the_same(run_here, tmp_path):
    model, config, checkpoint = trained(settings('cbp'), tmp_path)
    run_here('export', config, checkpoint, tmp_path / 'birds.pt2')
    metadata = {'classes': '', 'crop': '', 'config': ''}
    module = torch.export.load(tmp_path / 'birds.pt2', extra_files=metadata).module()
    assert json.loads(metadata['classes']) == CLASSES
    assert json.loads(metadata['crop']) == [*SIZE]
    assert metadata['config'] == 'birds'
    check(lambda images: module(torch.from_numpy(images)).detach().numpy(), model, True)


def test_a_file_that_differs_from_the_model_is_not_left_behind(run_here, tmp_path):
    config = settings('linear')
    config['model']['head']['type'] = 'Sharper'
    _, *files = trained(config, tmp_path)
    ended = run_here('export', *files, tmp_path / 'birds.pt2', check=False)
    assert ended.returncode == 1
    assert "its probabilities differ from the model's by" in ended.stderr
    assert {file.name for file in tmp_path.iterdir()} == {'birds.py', 'model.pth'}


PAGE = Path(__file__).parents[1] / 'docs/own_images.md'
ONNX, TRACED = re.findall(r'```python\n(.*?)```', PAGE.read_text(), re.DOTALL)[1:3]


def test_the_pages_lines_of_onnxruntime_and_pillow_say_what_the_toolbox_says(run_here, tmp_path, monkeypatch, capsys):
    model, config, checkpoint = trained(settings('linear', to_rgb=False), tmp_path)
    run_here('export', config, checkpoint, tmp_path / 'birds.onnx')
    session = onnxruntime.InferenceSession(tmp_path / 'birds.onnx')
    check(lambda images: session.run(None, {'images': images})[0], model, to_rgb=False)
    monkeypatch.chdir(tmp_path)
    rows, columns = np.mgrid[0:64, 0:160]  # smooth and long: the sides count, and squashed it is another image
    pixels = np.stack([255 * columns / 160, 255 * rows / 64, 255 * (columns // 40 % 2)], axis=2)
    for turned in (pixels, pixels.transpose(1, 0, 2)):
        Image.fromarray(turned.astype(np.uint8)).save('bird.jpg', quality=95)
        exec(ONNX.replace('photos/', ''), {})
        *name, score = capsys.readouterr().out.splitlines()[-1].split()
        run_here('predict', config, checkpoint, 'bird.jpg', '--out', 'p.json', '--topk', 1)
        (top,) = json.loads(Path('p.json').read_text())[0]['top']
        assert ' '.join(name) == top['class']
        assert float(score) == pytest.approx(top['score'], abs=0.05)


@pytest.mark.parametrize('head', HEADS)
def test_the_pages_traced_model_is_fed_as_in_prediction_and_takes_any_batch_and_size(head, tmp_path, monkeypatch):
    model, config, checkpoint = trained(settings(head), tmp_path)
    monkeypatch.chdir(tmp_path)
    text = TRACED.replace('configs/lcv_cbp_vgg16_cub448.py', str(config))
    text = text.replace('work_dirs/lcv_cbp_vgg16_cub448/epoch_60.pth', str(checkpoint)).replace('448, 448', '24, 40')
    names: dict = {}
    exec(text, names)
    for count, height, width in ((2, *SIZE), (5, 4, 5), (1, 60, 30)):  # with fewer places than channels, and more
        rgb = np.random.default_rng(0).integers(256, size=(count, 3, height, width), dtype=np.uint8)
        images = names['model'].data_preprocessor({'inputs': torch.from_numpy(rgb[:, ::-1].copy())})['inputs']
        scores = torch.jit.load('model.pt')(images).softmax(1)
        np.testing.assert_allclose(scores.detach(), by_hand(model, rgb, True), atol=1e-5)
