"""Analyse the predictions of a test set on one page: confusions, scores per class, calibration, embedding."""

import base64
import io
import pickle
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import mmcv
import numpy as np
import torch
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure
from mmpretrain.evaluation import Accuracy
from PIL import Image
from sklearn.calibration import calibration_curve
from sklearn.manifold import TSNE
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
from sklearn.preprocessing import normalize

from ..errors import ConfigError, DataError
from .curves import BLUE, INK, STYLE

# At most this many are shown
ROWS = 40  # classes in the table
FILES = 5  # names of images for a cell of the confusion matrix
PAIRS = 20  # pairs of confused classes
IMAGES = 3  # pictures for each pair
POINTS = 1000  # images in the embedding
COLOURS = [f'C{place}' for place in range(10) if place != 7]  # matplotlib's own, without the grey
BINS = 10
SIDE = 160  # pixels of a picture's longer side


@dataclass(frozen=True)
class Predictions:
    """Predictions for N images: scores (N, C), labels (N,), files (None if unknown), features (N, D) if any."""

    scores: np.ndarray
    labels: np.ndarray
    files: Sequence[str | None]
    feats: np.ndarray | None = None

    @property
    def predicted(self) -> np.ndarray:
        """The class of the highest score, (N,)."""
        return self.scores.argmax(1)

    @property
    def confidence(self) -> np.ndarray:
        """The highest score, (N,)."""
        return self.scores.max(1).clip(0, 1)


def read_predictions(file: str | Path, num_classes: int) -> Predictions:
    """Read a file of `tools/test.py --out`. It is a pickle, which can run any code: read only files that you trust.

    The file has features if the config had a `PooledFeatureHook`.

    Raises:
        ConfigError: If the file has scores of another number of classes.
        DataError: If scores or features are not finite.
    """
    samples = pickle.loads(Path(file).read_bytes())
    scores = torch.stack([sample['pred_score'] for sample in samples]).float().numpy()
    labels = np.array([int(sample['gt_label']) for sample in samples])
    if scores.shape[1] != num_classes:
        raise ConfigError(
            f'{file}: has scores of {scores.shape[1]} classes, but the test data of the config has {num_classes}; '
            'give the config that the predictions were made with'
        )
    with_feats = all('pooled_feat' in sample for sample in samples)
    feats = torch.stack([sample['pooled_feat'] for sample in samples]).numpy() if with_feats else None
    if not (np.isfinite(scores).all() and (feats is None or np.isfinite(feats).all())):
        raise DataError(f'{file}: has scores or features that are NaN or infinite; test another checkpoint')
    return Predictions(scores, labels, [sample.get('img_path') for sample in samples], feats)


def analysis_page(predictions: Predictions, classes: Sequence[str], title: str) -> str:
    """Render the page about predictions on a test set, given the names of its C classes, as one HTML file."""
    counts = confusion_matrix(predictions.labels, predictions.predicted, labels=range(len(classes)))
    pairs, rows, topk = confused_pairs(counts), class_rows(counts, classes, predictions), min(5, len(classes))
    shown = sorted(row['label'] for row in rows[:ROWS])
    with matplotlib.rc_context(STYLE):
        error, reliability = calibration(predictions)
        figures = reliability, draw_embedding(predictions, classes, pairs)
    loader = PackageLoader('lcv_mm', 'visualization')
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return environment.get_template('analysis.html.j2').render(
        title=title,
        num_images=len(predictions.labels),
        num_classes=len(classes),
        topk=topk,
        accuracies=[float(value[0]) for value in Accuracy.calculate(predictions.scores, predictions.labels, (1, topk))],
        calibration_error=100 * error,
        rows=rows,
        macro={name: float(np.mean([row[name] for row in rows])) for name in ('precision', 'recall', 'f1')},
        shown=[classes[label] for label in shown],
        matrix=matrix_rows(predictions, counts, shown),
        pairs=[_pair(predictions, classes, counts, *pair) for pair in pairs[:PAIRS]],
        num_pairs=len(pairs),
        figures=[figure and _to_data_uri(figure) for figure in figures],
        of_feats=predictions.feats is not None,
        limits=dict(rows=ROWS, images=IMAGES, bins=BINS, points=POINTS),
    )


def class_rows(counts: np.ndarray, classes: Sequence[str], predictions: Predictions) -> list[dict[str, Any]]:
    """Name, counts, scores in per cent and most frequent mistake of each class that has images, worst recall first."""
    scores = precision_recall_fscore_support(
        predictions.labels, predictions.predicted, labels=range(len(classes)), zero_division=0
    )
    rows: list[dict[str, Any]] = []
    for label, (name, precision, recall, f1, images) in enumerate(zip(classes, *scores, strict=True)):
        wrong = np.delete(counts[label], label)
        rival = f'{np.delete(classes, label)[wrong.argmax()]} ({wrong.max()})' if wrong.any() else ''
        row = dict(label=label, name=name, images=int(images), right=int(counts[label, label]), mistake=rival)
        if images:
            rows.append(row | dict(precision=100 * precision, recall=100 * recall, f1=100 * f1))
    return sorted(rows, key=lambda row: row['recall'])


def matrix_rows(predictions: Predictions, counts: np.ndarray, labels: Sequence[int]) -> list[list[dict[str, Any]]]:
    """Confusion matrix of some classes; each cell has the count, its share of the row, and the first file names."""
    names: dict[tuple[int, int], list[str]] = defaultdict(list)
    for label, other, file in zip(predictions.labels, predictions.predicted, predictions.files, strict=True):
        names[label, other] += [Path(file).name] if file else []

    def cell(label: int, other: int) -> dict[str, Any]:
        files = names[label, other]
        shown = ', '.join(files[:FILES]) + ', ...' * (len(files) > FILES)
        return dict(count=counts[label, other], share=counts[label, other] / counts[label].sum(), files=shown)

    return [[cell(label, other) for other in labels] for label in labels]


def confused_pairs(counts: np.ndarray) -> list[tuple[int, int]]:
    """All pairs (true class, predicted class) of mistakes in a confusion matrix, most frequent first."""
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind='stable')[: np.count_nonzero(wrong)]
    return [(int(label), int(other)) for label, other in zip(*np.unravel_index(order, counts.shape), strict=True)]


def calibration(predictions: Predictions) -> tuple[float, Figure]:
    """Expected calibration error (Guo et al., 2017) over BINS equal bins of the confidence, and its diagram."""
    right, confidence = predictions.predicted == predictions.labels, predictions.confidence
    shares, means = calibration_curve(right, confidence, n_bins=BINS)  # of non-empty bins
    edges = np.linspace(0, 1, BINS + 1)
    sizes = np.bincount(np.searchsorted(edges[1:-1], confidence), minlength=BINS)
    error = float(np.abs(shares - means) @ sizes[sizes > 0]) / len(right)
    figure = Figure(figsize=(4, 4.4), layout='constrained')
    curve, histogram = figure.subplots(2, sharex=True, height_ratios=[3, 1])
    curve.plot([0, 1], [0, 1], '--', color=INK, linewidth=1, label='perfect calibration')
    curve.plot(means, shares, 'o-', color=BLUE, label='the model')
    curve.set(ylabel='accuracy', ylim=(-0.02, 1.02))
    curve.legend()
    histogram.bar(edges[:-1], sizes, width=1 / BINS, align='edge', color=BLUE, edgecolor='white')
    histogram.set(xlabel='confidence: the highest score', ylabel='images', xlim=(0, 1))
    return error, figure


def draw_embedding(predictions: Predictions, classes: Sequence[str], pairs: Sequence[tuple[int, int]]) -> Figure | None:
    """Draw a t-SNE of at most POINTS images: the most confused classes in colours, others grey, mistakes as crosses.

    Returns None if there is nothing to embed: fewer than three images, a single column, or equal rows.
    """
    count = len(predictions.labels)
    shown = np.linspace(0, count - 1, min(POINTS, count)).astype(int)
    rows = predictions.scores[shown] if predictions.feats is None else normalize(predictions.feats[shown])
    if min(len(rows) - 1, rows.shape[1]) < 2 or np.ptp(rows, axis=0).max() < 1e-6:
        return None
    tsne = TSNE(init='pca', perplexity=min(30, (len(rows) - 1) / 3), random_state=0)
    x, y = tsne.fit_transform(rows.astype(np.float64)).T
    labels, wrong = predictions.labels[shown], (predictions.predicted != predictions.labels)[shown]
    coloured = list(dict.fromkeys([label for pair in pairs for label in pair] + [*range(len(classes))]))[: len(COLOURS)]
    groups = [(~np.isin(labels, coloured), '0.75', 'other classes')]
    groups += [(labels == c, colour, classes[c]) for c, colour in zip(coloured, COLOURS, strict=False)]
    figure = Figure(figsize=(8, 5), layout='constrained')
    axes = figure.add_subplot()
    axes.set_axis_off()
    for chosen, colour, name in groups:
        for marker, those in (('o', chosen & ~wrong), ('x', chosen & wrong)):
            axes.scatter(x[those], y[those], s=14, marker=marker, color=colour, linewidths=1)
        if chosen.any():
            axes.scatter([], [], s=14, color=colour, label=name)
    axes.scatter([], [], s=14, marker='x', color=INK, label='misclassified')
    figure.legend(loc='outside right center')
    return figure


def _pair(
    predictions: Predictions, classes: Sequence[str], counts: np.ndarray, label: int, other: int
) -> dict[str, Any]:
    """A pair of classes with images: the most confident mistakes, and the predicted class's highest scores."""
    truth, predicted = predictions.labels, predictions.predicted
    mistakes = np.flatnonzero((truth == label) & (predicted == other))
    mistakes = mistakes[np.argsort(-predictions.confidence[mistakes], kind='stable')]
    examples = np.flatnonzero(truth == other)
    examples = examples[np.argsort(-predictions.scores[examples, other], kind='stable')]
    pictures = [
        [(Path(file).name, _thumbnail(file)) for i in indices[:IMAGES] if (file := predictions.files[i])]
        for indices in (mistakes, examples)
    ]
    return dict(
        name=classes[label], other=classes[other], times=int(counts[label, other]), images=int(counts[label].sum()),
        mistakes=pictures[0], examples=pictures[1],
    )  # fmt: skip


def _to_data_uri(figure: Figure) -> str:
    """Encode a figure for the `src` of an `<img>`."""
    stream = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(stream, format='svg', transparent=True, metadata={'Date': None})
    return f'data:image/svg+xml;base64,{base64.b64encode(stream.getvalue()).decode()}'


def _thumbnail(file: str) -> str:
    """Encode a small copy of an image for the `src` of an `<img>`."""
    stream = io.BytesIO()
    image = Image.fromarray(mmcv.imread(file, channel_order='rgb'))  # as the model sees it
    image.thumbnail((SIDE, SIDE))
    image.save(stream, 'JPEG', quality=80)
    return f'data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}'
