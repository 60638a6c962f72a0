"""What a linear classifier reaches on a config's pooled features before any training: the least a recipe must beat.

    python benchmarks/linear_probe.py configs/small/cbp_vgg16_warblers112.py [--quarter 3] [--cfg-options ...]

Ridge regression on one target per class; its strength is chosen by leave-one-out on the training images.
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


def probe(cfg: Config, quarter: int | None) -> float:
    """Top-1 accuracy in per cent, on the test images or on every fourth training image, from `quarter` on."""
    torch.manual_seed(0)
    model = MODELS.build(dict(cfg.model, data_preprocessor=cfg.data_preprocessor))
    model.init_weights()
    model.eval()
    centre = cfg.test_dataloader.dataset.pipeline
    feats, labels = pooled_features(model, dict(cfg.train_dataloader.dataset, pipeline=centre))
    if quarter is None:
        judged, expected = pooled_features(model, cfg.test_dataloader.dataset)
    else:
        held = np.arange(len(feats)) % 4 == quarter
        feats, labels, judged, expected = feats[~held], labels[~held], feats[held], labels[held]
    classifier = RidgeClassifierCV(alphas=np.logspace(-4, 2, 13)).fit(feats, labels)
    return 100 * classifier.score(judged, expected)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', type=Path)
    parser.add_argument('--quarter', type=int, choices=range(4), help='hold out this quarter of the training images')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    args = parser.parse_args()
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    print(json.dumps(dict(config=args.config.stem, quarter=args.quarter, top1=probe(cfg, args.quarter))))


if __name__ == '__main__':
    main()
