"""The page on predictions: its numbers against ones counted here, and what a browser shows of it."""

import base64
import io
import pickle
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from chromium import show
from PIL import Image

from lcv_mm.errors import DataError
from lcv_mm.visualization.analysis import IMAGES, _thumbnail, analysis_page, read_predictions

CLASSES = ['Red <b>', 'Green', 'Blue', 'Grey', 'Pink', 'Never seen']
IMAGES_OF = [8, 8, 6, 5, 3, 0]


@pytest.fixture(scope='module')
def dump(tmp_path_factory) -> tuple[Path, list[dict[str, Any]]]:
    """Predictions of 30 images as `tools/test.py --out` writes them, and the same as a list."""
    folder = tmp_path_factory.mktemp('dump')
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([label for label, count in enumerate(IMAGES_OF) for _ in range(count)])
    logits = 2 * torch.randn(30, 6, generator=generator)
    logits[:, 5] -= 9
    logits[torch.arange(30), labels] += 2
    logits[:4] = torch.tensor([0.0, 4, 0, 0, 0, 0])  # four that are red are predicted as green
    logits[29, 4] = -20  # one whose class comes last
    samples = []
    for i, (label, logit) in enumerate(zip(labels, logits, strict=True)):
        file = folder / f'{i}.png'
        Image.new('RGB', (300 + i, 200), (8 * i, 40 * int(label), 90)).save(file)
        feat = torch.randn(7, generator=generator) + label
        samples.append(dict(pred_score=logit.softmax(0), gt_label=label[None], img_path=str(file), pooled_feat=feat))
    (folder / 'predictions.pkl').write_bytes(pickle.dumps(samples))
    return folder / 'predictions.pkl', samples


@pytest.fixture(scope='module')
def page(dump) -> str:
    return analysis_page(read_predictions(dump[0], 6), CLASSES, 'Thirty images')


def test_pictures_are_upright_and_as_bright_as_the_model_sees_them(tmp_path):
    turned, deep = tmp_path / 'turned.jpg', tmp_path / 'deep.png'
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turned by 90 degrees
    Image.new('RGB', (80, 40)).save(turned, exif=exif)
    cv2.imwrite(str(deep), np.full((8, 8), 128 * 256, np.uint16))
    shown = [
        Image.open(io.BytesIO(base64.b64decode(_thumbnail(str(file)).partition(',')[2]))) for file in (turned, deep)
    ]
    assert shown[0].height == 2 * shown[0].width
    assert np.asarray(shown[1]).mean() == pytest.approx(128, abs=1)


def counted(samples: list[dict[str, Any]]) -> list[tuple[int, int, float]]:
    """True class, predicted class and confidence of each image."""
    return [(int(s['gt_label']), int(s['pred_score'].argmax()), float(s['pred_score'].max())) for s in samples]


def test_the_head_holds_top1_top5_and_the_calibration_error(page, dump):
    images = counted(dump[1])
    top1 = sum(label == taken_for for label, taken_for, _ in images) / 30
    top5 = sum(int(s['gt_label']) in s['pred_score'].argsort(descending=True)[:5] for s in dump[1]) / 30
    error = 0.0
    for low in np.arange(10) / 10:
        inside = [(label == taken_for, score) for label, taken_for, score in images if low < score <= low + 0.1]
        if inside:
            share, mean = np.mean(inside, axis=0)
            error += len(inside) / 30 * abs(share - mean)
    text = ' '.join(page.split())
    assert 0.2 < top1 < top5 < 1
    assert error > 0.01
    assert (
        f'30 test images of 6 classes: top-1 {100 * top1:.2f} %, top-5 {100 * top5:.2f} %, '
        f'expected calibration error {100 * error:.2f} %.'
    ) in text


def test_the_matrix_counts_each_class_taken_for_each_and_names_the_files(page, dump):
    matrix = page[page.index('"matrix">') : page.index('"classes">')]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', matrix)
    assert [name for name, _ in rows] == ['Red &lt;b&gt;', 'Green', 'Blue', 'Grey', 'Pink']
    images = counted(dump[1])
    for label, (_, cells) in enumerate(rows):
        for other, (share, files, count) in enumerate(re.findall(r'--share: (.*?)" title="(.*?)">(\d*)</td>', cells)):
            those = [f'{i}.png' for i, image in enumerate(images) if image[:2] == (label, other)]
            assert int(count or 0) == len(those)
            assert float(share) == pytest.approx(len(those) / IMAGES_OF[label], abs=0.0051)
            assert files == ', '.join(those[:5]) + (', ...' if len(those) > 5 else '')


def test_confused_pairs_come_with_the_surest_mistakes_and_the_clearest_images_of_the_other_class(page, dump):
    images = counted(dump[1])
    wrong = [(label, taken_for) for label, taken_for, _ in images if label != taken_for]
    titles = re.findall(r'<h3>(.*?)</h3>', page)
    assert len(titles) == len(set(wrong))
    assert titles[0] == f'Red &lt;b&gt; predicted as Green: {wrong.count((0, 1))} of 8 images'
    shown = re.findall(r'<img src="data:image/jpeg[^>]*title="(\d+).png"', page)
    mistakes = sorted((i for i in range(30) if images[i][:2] == (0, 1)), key=lambda i: -images[i][2])
    examples = sorted((i for i in range(30) if images[i][0] == 1), key=lambda i: -float(dump[1][i]['pred_score'][1]))
    assert len(mistakes) > IMAGES
    assert [int(i) for i in shown[: 2 * IMAGES]] == mistakes[:IMAGES] + examples[:IMAGES]


def written(file: Path, scores: np.ndarray, labels: list[int], feats: np.ndarray | None = None) -> Path:
    samples: list[dict[str, Any]] = []
    for i, (score, label) in enumerate(zip(scores, labels, strict=True)):
        samples.append(dict(pred_score=torch.tensor(score, dtype=torch.float32), gt_label=torch.tensor([label])))
        if feats is not None:
            samples[-1]['pooled_feat'] = torch.tensor(feats[i], dtype=torch.float32)
    file.write_bytes(pickle.dumps(samples))
    return file


NOISE = np.random.default_rng(0).dirichlet(np.ones(3), 12)
# scores, whether there is something to embed, features
ODD = {
    'a collapsed model': (np.full((12, 3), 1 / 3), False, None),
    'collapsed features': (NOISE, False, np.zeros((12, 5))),
    'one image': (NOISE[:1], False, None),
    'three images': (NOISE[:3], True, None),
    'two classes': (NOISE[:, :2] / NOISE[:, :2].sum(1, keepdims=True), True, None),
}


@pytest.mark.parametrize('kind', ODD)
@pytest.mark.parametrize('right', [True, False])
def test_scores_of_any_kind_give_a_page(tmp_path, kind, right):
    scores, embedded, feats = ODD[kind]
    best = scores.argmax(1)
    labels = best if right else (best + 1) % scores.shape[1]
    file = written(tmp_path / 'p.pkl', scores, labels.tolist(), feats)
    page = analysis_page(read_predictions(file, scores.shape[1]), CLASSES[: scores.shape[1]], 'Odd')
    assert ('alt="t-SNE' in page) == embedded
    assert f'top-1 {100 if right else 0:.2f} %' in page
    assert 'nan' not in re.sub(r'"data:[^"]*"', '', page).lower()


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_scores_and_features_that_are_not_finite_are_refused(tmp_path, value):
    bad = NOISE.copy()
    bad[5, 1] = value
    for scores, feats in ((bad, None), (NOISE, bad)):
        with pytest.raises(DataError, match=r'p\.pkl: has scores or features that are NaN or infinite'):
            read_predictions(written(tmp_path / 'p.pkl', scores, [0] * 12, feats), 3)


@pytest.mark.slow
@pytest.mark.parametrize(('width', 'scheme'), [(360, 'dark'), (1200, 'light')])
def test_a_browser_shows_texts_and_pictures_and_finds_nothing_wrong(width, scheme, page, chromium, tmp_path):
    (tmp_path / 'analysis.html').write_text(page, encoding='utf-8')
    chromium.get((tmp_path / 'analysis.html').as_uri())
    show(chromium, width, 740, scheme)
    assert chromium.title == 'Thirty images'
    text = chromium.execute_script('return document.body.innerText')
    assert re.search(r'30 test images of 6 classes: top-1 [\d.]+ %, top-5 [\d.]+ %', text)
    assert 'Red <b> predicted as Green: ' in text
    assert 't-SNE of the pooled features' in text
    pictures = chromium.execute_script(
        'return [...document.images].map(image => [image.alt, image.complete && image.naturalWidth, image.width])'
    )
    assert len(pictures) == 2 + page.count('data:image/jpeg')
    assert min(drawn for _, drawn, _ in pictures) > 0
    assert min(wide for _, _, wide in pictures) > (30 if width == 360 else 70)
    assert all(alt for alt, _, _ in pictures)
    scroll, client = chromium.execute_script(
        'const page = document.documentElement; return [page.scrollWidth, page.clientWidth]'
    )
    assert scroll <= client
    assert chromium.get_log('browser') == []
    loaded = chromium.execute_script('return performance.getEntriesByType("resource").map(entry => entry.name)')
    assert [name for name in loaded if not name.startswith('data:')] == []
