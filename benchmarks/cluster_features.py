"""Pooled features of a dataset's training images by a frozen backbone, for `benchmarks/gca_against_kmeans.py`.

    python benchmarks/cluster_features.py flower data/oxford_flower17 data/weights/vgg16_features.pth flower.npz

The first view of an image is its centre crop, the others are random crops with mirroring and colour jitter.
"""

import argparse
import time

import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS

from lcv_mm.datasets import dataset_labels
from lcv_mm.models import ResNetLayers, VGGLayers

BACKBONES = {
    'vgg16': (VGGLayers, dict(depth=16, out_layers=('relu5_3',))),
    'resnet18': (ResNetLayers, dict(depth=18, out_layers=('layer4.1',))),
}
MEAN, STD = ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
CENTRE = [dict(type='ResizeEdge', scale=128, edge='short'), dict(type='CenterCrop', crop_size=112)]
RANDOM = [
    dict(type='ResizeEdge', scale=128, edge='short'),
    dict(type='RandomResizedCrop', scale=112),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomApply', prob=0.8, transforms=[dict(type='ColorJitter', brightness=0.4, contrast=0.4)]),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dataset', choices=['flower', 'warblers'])
    parser.add_argument('data_root')
    parser.add_argument('weights', help="with torchvision's names")
    parser.add_argument('out', help='the file to write, .npz')
    parser.add_argument('--backbone', choices=BACKBONES, default='vgg16')
    parser.add_argument('--views', type=int, default=3, help='centre crop included; default 3')
    args = parser.parse_args()
    init_default_scope('mmpretrain')
    layers, settings = BACKBONES[args.backbone]
    backbone = layers(**settings, init_cfg=dict(type='Pretrained', checkpoint=args.weights))
    backbone.init_weights()
    backbone.eval()
    views = []
    for view in range(args.views):
        start = time.perf_counter()
        dataset = build(args.dataset, args.data_root, RANDOM if view else CENTRE)
        np.random.seed(view)  # noqa: NPY002  (the toolbox's transforms draw from the global one)
        torch.manual_seed(view)
        views.append(pooled(backbone, dataset))
        np.savez(args.out, feats=np.stack(views, 1), labels=dataset_labels(dataset), backbone=args.backbone)
        print(f'view {view}: {time.perf_counter() - start:.0f} s', flush=True)


def build(name: str, data_root: str, steps: list[dict]) -> torch.utils.data.Dataset:
    pipeline = [dict(type='LoadImageFromFile'), *steps, dict(type='PackInputs')]
    if name == 'flower':
        return DATASETS.build(dict(type='OxfordFlower17', data_root=data_root, split='train', pipeline=pipeline))
    classes = [str(number) for number in range(25)]
    return DATASETS.build(
        dict(type='CUB200', data_root=data_root, split='train', pipeline=pipeline, metainfo=dict(classes=classes))
    )


@torch.inference_mode()
def pooled(backbone: torch.nn.Module, dataset: torch.utils.data.Dataset) -> np.ndarray:
    """Spatial means of the last map: (N, 512)."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    feats = []
    for start in range(0, len(dataset), 16):
        images = torch.stack([dataset[i]['inputs'] for i in range(start, min(start + 16, len(dataset)))])
        feats.append(backbone((images.flip(1).float() - mean) / std)[-1].mean((2, 3)))
    return torch.cat(feats).numpy()


if __name__ == '__main__':
    main()
