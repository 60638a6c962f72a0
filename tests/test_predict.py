"""tools/predict.py on folders of images: whose scores, whose names, which files; and MMPretrain's own inferencer."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from layouts import draw_noise
from mmengine.config import Config
from mmpretrain import ImageClassificationInferencer
from mmpretrain.registry import MODELS
from PIL import Image
from scipy.special import softmax

from lcv_mm.datasets.birdlets.dataset import SPECIES
from lcv_mm.launch import load_config

CONFIGS = Path(__file__).parents[1] / 'configs'
CLASSES = ('[red] kite', 'Großer Brachvogel', 'heron', 'owl')
MEAN, STD = (120.0, 110.0, 100.0), (60.0, 50.0, 40.0)
# in the order in which a folder is searched
NAMES = ('B.PNG', 'große [1] Vögel/1.png', 'große [1] Vögel/young/1.png', 'heron 10.png', 'heron 2.png')
PLAIN = f"""
data_preprocessor = dict(mean={MEAN}, std={STD}, to_rgb=True, num_classes=4)
model = dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=18), neck=dict(type='GlobalAveragePooling'),
             head=dict(type='LinearClsHead', num_classes=4, in_channels=512))
test_dataloader = dict(batch_size=3, dataset=dict(type='CustomDataset', data_root='nowhere', pipeline=[
    dict(type='LoadImageFromFile'), dict(type='PackInputs')]))
"""


def save_weights(cfg: Config, file: Path, **meta: object) -> Path:
    torch.manual_seed(0)
    model = MODELS.build({**cfg.model, 'data_preprocessor': cfg.get('data_preprocessor')})
    torch.save({'state_dict': model.state_dict(), 'meta': meta} if meta else model.state_dict(), file)
    return file


@pytest.fixture
def images(tmp_path) -> Path:
    folder = tmp_path / 'my images'
    for name in NAMES:
        draw_noise(folder / name, 64, 64)
    draw_noise(folder / '.hidden.png', 64, 64)
    (folder / 'notes.txt').write_text('no image')
    return folder


@pytest.fixture(scope='module')
def plain(tmp_path_factory) -> tuple[Path, Path]:
    """A text-style config of MMPretrain's own parts; a run's checkpoint with the names of the classes."""
    folder = tmp_path_factory.mktemp('plain')
    (folder / 'resnet18.py').write_text(PLAIN)
    cfg = Config.fromfile(folder / 'resnet18.py')
    return folder / 'resnet18.py', save_weights(cfg, folder / 'epoch_1.pth', dataset_meta={'classes': CLASSES})


@pytest.fixture(scope='module')
def lcv(tmp_path_factory) -> tuple[Path, Path, Path]:
    """A pure-Python config of the project and what a run dumps of it; weights alone, without names of classes."""
    folder = tmp_path_factory.mktemp('lcv')
    lines = [
        'with read_base():',
        '    from .configs.birdlets.lcv_cbp_resnet18_birdlets import *',
        "model['head'].update(out_dim=64)",
    ]
    (folder / 'pure.py').write_text('\n'.join(['from mmengine.config import read_base', *lines]))
    (folder / 'configs').symlink_to(CONFIGS)
    cfg = load_config(folder / 'pure.py')
    cfg.dump(folder / 'dumped.py')
    return folder / 'pure.py', folder / 'dumped.py', save_weights(cfg, folder / 'weights.pth')


def test_the_scores_are_those_of_the_model_and_the_likeliest_come_first(run_here, plain, images, tmp_path):
    config, checkpoint = plain
    for name in ('out.json', 'out.csv'):
        run_here('predict', config, checkpoint, images, '--out', tmp_path / name, '--topk', 3, '--device', 'cpu')
    predictions = json.loads((tmp_path / 'out.json').read_text(encoding='utf-8'))
    assert [one['image'] for one in predictions] == [str(images / name) for name in NAMES]
    model = MODELS.build(Config.fromfile(config).model).eval()
    model.load_state_dict(torch.load(checkpoint)['state_dict'])
    for one in predictions:
        pixels = (np.asarray(Image.open(one['image'])) - MEAN) / STD
        with torch.no_grad():
            logits = model(torch.tensor(pixels.transpose(2, 0, 1)[None], dtype=torch.float32))[0]
        scores = softmax(logits.double().numpy())
        order = np.argsort(-scores)[:3].tolist()
        assert [found['label'] for found in one['top']] == order
        assert [found['class'] for found in one['top']] == [CLASSES[label] for label in order]
        assert [found['score'] for found in one['top']] == pytest.approx(scores[order].tolist(), abs=1e-5)
    with (tmp_path / 'out.csv').open(encoding='utf-8', newline='') as file:
        rows = [{**row, 'score': float(row['score'])} for row in csv.DictReader(file)]
    assert rows == [
        {'image': one['image'], 'rank': str(i), **found, 'label': str(found['label'])}
        for one in predictions
        for i, found in enumerate(one['top'], 1)
    ]


def test_copies_are_sorted_by_class_and_no_image_of_the_same_name_is_lost(run_here, plain, images, tmp_path):
    args = ('predict', *plain, images, '--out', tmp_path / 'out.json', '--save', tmp_path / 'sorted')
    for _ in range(2):  # again, nothing is copied twice
        assert f'Saved: 5 images by class in {tmp_path / "sorted"}' in run_here(*args).stdout
    predictions = json.loads((tmp_path / 'out.json').read_text(encoding='utf-8'))
    expected = sorted((one['top'][0]['class'], Path(one['image']).read_bytes()) for one in predictions)
    copies = [file for file in (tmp_path / 'sorted').rglob('*') if file.is_file()]
    assert sorted((file.parent.name, file.read_bytes()) for file in copies) == expected
    assert {file.name for file in copies} - {Path(name).name for name in NAMES} <= {'1_2.png'}


def test_a_damaged_image_is_skipped_and_reported(run_here, plain, images, tmp_path):
    whole = (images / NAMES[0]).read_bytes()
    (images / NAMES[0]).write_bytes(whole[: len(whole) // 2])
    (images / NAMES[3]).write_bytes(b'')
    ended = run_here('predict', *plain, images, '--batch-size', 1, '--out', tmp_path / 'out.json', check=False)
    assert ended.returncode == 1
    assert '3 of 5 images predicted' in ended.stderr
    assert f'{images / NAMES[0]}: damaged' in ended.stderr
    assert f'{images / NAMES[3]}: empty' in ended.stderr
    predictions = json.loads((tmp_path / 'out.json').read_text(encoding='utf-8'))
    assert [one['image'] for one in predictions] == [str(images / NAMES[i]) for i in (1, 2, 4)]


def test_mmpretrains_inferencer_and_the_tool_take_the_dumped_config(run_here, lcv, images, tmp_path):
    *configs, weights = lcv
    predicted = []
    for config in configs:
        run_here('predict', config, weights, images / NAMES[0], '--out', tmp_path / 'out.json')
        (one,) = json.loads((tmp_path / 'out.json').read_text(encoding='utf-8'))
        best = one['top'][0]
        assert best['class'] == SPECIES[best['label']].name  # not CUB's, whose layout Birdlets has
        predicted.append((best['label'], best['score']))
    torch.save({'state_dict': torch.load(weights), 'meta': {'dataset_meta': {'classes': 'abc'}}}, tmp_path / 'run.pth')
    for config in configs:
        (theirs,) = ImageClassificationInferencer(str(config), str(tmp_path / 'run.pth'))(str(images / NAMES[0]))
        predicted.append((theirs['pred_label'], theirs['pred_score']))
    assert predicted == [pytest.approx(predicted[0], rel=1e-5)] * 4


def test_a_checkpoint_with_more_than_weights_is_refused_unless_trusted(run_here, plain, images, tmp_path):
    config, checkpoint = plain
    torch.save({**torch.load(checkpoint), 'path': Path('x')}, tmp_path / 'stranger.pth')
    args = [config, tmp_path / 'stranger.pth', images / NAMES[0]]
    assert 'stranger.pth: refused' in run_here('predict', *args, check=False).stderr
    shown = run_here('predict', *args, '--trust-checkpoint').stdout
    assert all(name in shown for name in CLASSES)  # all of them, where there are fewer than --topk


def test_an_image_whose_scores_are_not_finite_gets_no_class(run_here, plain, images, tmp_path):
    config, checkpoint = plain
    content = torch.load(checkpoint)
    content['state_dict']['head.fc.weight'].fill_(3e38)  # finite, but not the scores
    torch.save(content, tmp_path / 'large.pth')
    ended = run_here('predict', config, tmp_path / 'large.pth', images, '--out', tmp_path / 'out.json', check=False)
    assert ended.returncode == 1
    assert f'{images / NAMES[0]}: the model gives it scores that are NaN or infinite' in ended.stderr
    assert json.loads((tmp_path / 'out.json').read_text()) == []


def test_a_model_of_one_channel_predicts_is_drawn_and_exported(run_here, images, tmp_path):
    (tmp_path / 'grey.py').write_text("""
custom_imports = dict(imports=['lcv_mm'])
default_scope = 'mmpretrain'
data_preprocessor = dict(mean=[100.0], std=[50.0], to_rgb=False)
model = dict(type='LCVClassifier', backbone=dict(type='LeNet5'),
             neck=dict(type='ResidualAttention'), variance_loss=dict(type='ClassVarianceLoss'),
             head=dict(type='BCNNHead', num_classes=4, in_channels=120))
test_dataloader = dict(batch_size=3, dataset=dict(type='CustomDataset', data_root='nowhere', pipeline=[
    dict(type='LoadImageFromFile', color_type='grayscale'), dict(type='ResizeEdge', scale=64),
    dict(type='CenterCrop', crop_size=32), dict(type='PackInputs')]))
""")
    grey = tmp_path / 'grey.py', save_weights(load_config(tmp_path / 'grey.py'), tmp_path / 'w.pth')
    run_here('predict', *grey, images, '--out', tmp_path / 'out.json')
    run_here('attention_maps', *grey, images, '--out', tmp_path / 'maps.png')
    model = MODELS.build(load_config(grey[0]).model).eval()
    model.load_state_dict(torch.load(grey[1]))
    for one in json.loads((tmp_path / 'out.json').read_text(encoding='utf-8')):
        pixels = (cv2.imread(one['image'], cv2.IMREAD_GRAYSCALE)[16:48, 16:48] - 100.0) / 50.0
        with torch.no_grad():
            scores = model(torch.tensor(pixels[None, None], dtype=torch.float32)).softmax(1)[0]
        assert one['top'][0]['score'] == pytest.approx(float(scores.max()), abs=1e-5)
    picture = cv2.imread(str(tmp_path / 'maps.png'))
    assert picture.shape[:2] == (2 * 276, 1920)  # five images, four in a row: 2 rows of 2.3 x 16 inches at 120 dpi
    assert picture.std() > 0
    assert '1-channel uint8 images of 32 x 32' in run_here('export', *grey, tmp_path / 'grey.pt2').stdout
