"""How well a model's maps localise birds:  python benchmarks/localisation.py CONFIG CHECKPOINT [--cfg-options ...]

The test images of a config on CUB's layout against its `bounding_boxes.txt`.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from mmengine.config import DictAction
from mmengine.runner import Runner
from mmpretrain.models import ImageClassifier
from torch import Tensor
from torch.nn import functional as F

from lcv_mm.launch import load_config
from lcv_mm.launch.trained import load_trained

Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels


def read_cub_boxes(root: Path) -> dict[str, Box]:
    """Boxes of CUB-200-2011 by the images' paths below `images/`, in pixels of the original image.

    Args:
        root (Path): Folder of `images.txt` and `bounding_boxes.txt` (`<id> <x> <y> <width> <height>`).

    Returns:
        dict[str, Box]: One box per image.
    """
    names = dict(line.split() for line in (root / 'images.txt').read_text().splitlines())
    boxes = {}
    for line in (root / 'bounding_boxes.txt').read_text().splitlines():
        key, *numbers = line.split()
        x, y, width, height = map(float, numbers)
        boxes[names[key]] = (x, y, x + width, y + height)
    return boxes


def box_in_crop(box: Box, ori_shape: tuple[int, int], short_side: int, crop: int) -> Box:
    """Where a box is after `ResizeEdge(short_side)` and `CenterCrop(crop)`, cut off at the crop's border.

    Args:
        box (Box): In the original image.
        ori_shape (tuple[int, int]): The original image's height and width.
        short_side (int): Its short side after the resize.
        crop (int): Side of the square cut from the middle.

    Returns:
        Box: In the crop, each number in [0, crop]; without area where the box is outside.
    """
    scale = short_side / min(ori_shape)
    top, left = ((round(side * scale) - crop) / 2 for side in ori_shape)
    moved = (number * scale - offset for number, offset in zip(box, (left, top, left, top), strict=True))
    x0, y0, x1, y1 = (min(max(number, 0.0), float(crop)) for number in moved)
    return x0, y0, x1, y1


def inside(box: Box, crop: int) -> Tensor:
    """The share of each pixel of a crop that a box covers, (crop, crop), in [0, 1]."""
    edges = torch.arange(crop + 1, dtype=torch.float64)
    across, down = (
        (edges[1:].clamp(max=high) - edges[:-1].clamp(min=low)).clamp(min=0)
        for low, high in ((box[0], box[2]), (box[1], box[3]))
    )
    return down[:, None] * across


def localisation(maps: Tensor, masks: Tensor) -> dict[str, Tensor]:
    """How well non-negative maps point at the objects.

    Args:
        maps (Tensor): (N, h, w), one map per image, 0 or more; it is scaled up bilinearly to the masks' size.
        masks (Tensor): (N, H, W), the share of each pixel that the object's box covers.

    Returns:
        dict[str, Tensor]: (N,) each: `pointing`, 1 where the map's largest pixel is in the box (Zhang et al., 2016,
        without their tolerance of 15 pixels), else 0; `energy`, the share of the map's sum inside the box, in [0, 1]
        (Wang et al., 2020, Score-CAM). A map of zeros points nowhere, and has the energy of a flat one.
    """
    size = masks.shape[-2:]
    maps = F.interpolate(maps[:, None].double(), size=size, mode='bilinear', align_corners=False)[:, 0]
    flat, cover = maps.flatten(1), masks.double().flatten(1)
    total = flat.sum(1)
    empty = total == 0
    peak = flat.argmax(1, keepdim=True)
    pointing = (cover.gather(1, peak)[:, 0] > 0.5).double()
    energy = (flat * cover).sum(1) / total.clamp(min=torch.finfo(torch.float64).tiny)
    return dict(pointing=torch.where(empty, 0.0, pointing), energy=torch.where(empty, cover.mean(1), energy))


def classifier_maps(model: ImageClassifier, inputs: Tensor) -> dict[str, Tensor]:
    """Maps of a classifier over a batch of preprocessed images (N, 3, H, W), all (N, h, w) and 0 or more.

    Returns:
        dict[str, Tensor]: `F`, the mean over channels of the backbone's last level; `M`, that of the neck's, for a
        model whose neck returns maps; `Grad-CAM` of the predicted class on F (Selvaraju et al., 2017).
    """
    with torch.no_grad():
        *inner, last = model.backbone(inputs)
    with torch.enable_grad():  # of neck and head alone, and for the map alone
        last.requires_grad_()
        feats = (*inner, last)
        necked = model.neck(feats) if model.with_neck else feats
        (slope,) = torch.autograd.grad(model.head(necked).max(1).values.sum(), last)
    weights = slope.mean((2, 3), keepdim=True)
    has_maps = model.with_neck and necked[-1].dim() == 4  # not those of an average pooling
    maps = dict(F=last.mean(1), **({'M': necked[-1].mean(1)} if has_maps else {}))
    maps['Grad-CAM'] = (weights * last).sum(1).relu()
    return {name: values.detach().relu() for name, values in maps.items()}


def summary(measured: Sequence[Mapping[str, Tensor]]) -> dict[str, float]:
    """Means over all images of what `localisation` gave batch by batch, in per cent."""
    return {name: float(torch.cat([part[name] for part in measured]).mean()) * 100 for name in measured[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--out', type=Path, help='JSON file for the result')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    args = parser.parse_args()

    cfg = load_config(args.config, ['model', 'test_dataloader'], args.cfg_options)
    short_side, crop = (cfg.test_dataloader.dataset.pipeline[i][key] for i, key in ((1, 'scale'), (2, 'crop_size')))
    model = load_trained(cfg, args.checkpoint, 'cpu').to(memory_format=torch.channels_last)
    loader = Runner.build_dataloader(cfg.test_dataloader)
    boxes = read_cub_boxes(Path(cfg.test_dataloader.dataset.data_root))
    measured: dict[str, list] = {}
    for batch in loader:
        data = model.data_preprocessor(batch)
        masks = torch.stack([
            inside(box_in_crop(boxes['/'.join(Path(s.img_path).parts[-2:])], s.ori_shape, short_side, crop), crop)
            for s in data['data_samples']
        ])  # fmt: skip
        maps = classifier_maps(model, data['inputs'])
        for name, values in {**maps, 'flat (chance)': torch.ones_like(maps['F'])}.items():
            measured.setdefault(name, []).append(localisation(values, masks))
    result = {name: summary(parts) for name, parts in measured.items()}
    # a map that points anywhere is right with the probability of the box's share of the crop
    result['flat (chance)']['pointing'] = result['flat (chance)']['energy']
    for name, values in result.items():
        print(f'{name:14} pointing game {values["pointing"]:5.1f} %   energy in the box {values["energy"]:5.1f} %')
    if args.out:
        args.out.write_text(json.dumps(result, indent=1))


if __name__ == '__main__':
    main()
