"""What a linear classifier reaches on a config's pooled features before any training: the least a recipe must beat.

    python benchmarks/linear_probe.py configs/small/cbp_vgg16_warblers112.py [--quarter 3] [--rates 0.01 1]

Ridge regression on one target per class; its strength is chosen by leave-one-out on the training images. With `--rates`
also the head's own classifier, trained by SGD at each rate (momentum 0.9, batches of 16): its accuracy and the cross
entropy of the training images after 4, 12 and 50 epochs.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config, DictAction
from mmengine.dataset import default_collate
from mmpretrain.models import ImageClassifier
from mmpretrain.registry import DATASETS, MODELS
from rich.progress import track
from sklearn.linear_model import RidgeClassifierCV
from torch.nn.functional import cross_entropy

import lcv_mm  # noqa: F401  registers the parts that a text-style config names


@torch.no_grad()
def pooled_features(model: ImageClassifier, part: dict) -> tuple[np.ndarray, np.ndarray]:
    """What goes into the classifier, (N, D), and the labels (N,)."""
    dataset = DATASETS.build(part)
    rows = []
    for start in track(range(0, len(dataset), 16), description=f'features of {len(dataset)} images'):
        batch = default_collate([dataset[i] for i in range(start, min(start + 16, len(dataset)))])
        feats = model.extract_feat(model.data_preprocessor(batch)['inputs'])
        rows.append(model.head.pre_logits(feats).flatten(1).numpy())
    return np.concatenate(rows), np.array(dataset.get_gt_labels())


def features(cfg: Config, quarter: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Features and labels to fit, and to judge by: the test images, or the held-out quarter of the training images."""
    torch.manual_seed(0)
    model = MODELS.build(dict(cfg.model, data_preprocessor=cfg.data_preprocessor))
    model.init_weights()
    model.eval()
    centre = cfg.test_dataloader.dataset.pipeline
    feats, labels = pooled_features(model, dict(cfg.train_dataloader.dataset, pipeline=centre))
    if quarter is None:
        return feats, labels, *pooled_features(model, cfg.test_dataloader.dataset)
    held_out = np.arange(len(feats)) % 4 == quarter
    return feats[~held_out], labels[~held_out], feats[held_out], labels[held_out]


def train_classifier(rate: float, *data: np.ndarray) -> dict[str, tuple[float, float]]:
    """Top-1 in per cent and training cross entropy in nats by the number of epochs."""
    feats, labels, judged, expected = (torch.from_numpy(part) for part in data)
    torch.manual_seed(0)
    classifier = torch.nn.Linear(feats.shape[1], int(labels.max()) + 1)
    torch.nn.init.normal_(classifier.weight, std=0.01)  # as MMPretrain's LinearClsHead
    torch.nn.init.zeros_(classifier.bias)
    optimizer = torch.optim.SGD(classifier.parameters(), lr=rate, momentum=0.9, weight_decay=1e-4)
    measured = {}
    for epoch in range(1, 51):
        for batch in torch.randperm(len(feats)).split(16):
            optimizer.zero_grad()
            cross_entropy(classifier(feats[batch]), labels[batch]).backward()
            optimizer.step()
        if epoch in (4, 12, 50):
            with torch.no_grad():
                top1 = (classifier(judged).argmax(1) == expected).float().mean().item()
                measured[str(epoch)] = (100 * top1, cross_entropy(classifier(feats), labels).item())
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', type=Path)
    parser.add_argument('--quarter', type=int, choices=range(4), help='hold out this quarter of the training images')
    parser.add_argument('--rates', type=float, nargs='+', default=[], help='train the classifier at these rates')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    args = parser.parse_args()
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    data = features(cfg, args.quarter)
    ridge = RidgeClassifierCV(alphas=np.logspace(-4, 2, 13)).fit(*data[:2])
    rates = {str(rate): train_classifier(rate, *data) for rate in args.rates}
    line = dict(config=args.config.stem, quarter=args.quarter, top1=100 * ridge.score(*data[2:]), rates=rates)
    print(json.dumps(line))


if __name__ == '__main__':
    main()
