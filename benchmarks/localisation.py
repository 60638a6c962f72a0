"""Do a model's maps light the birds?  python benchmarks/localisation.py CONFIG CHECKPOINT [--cfg-options ...]

The test images of a config on CUB's layout against its `bounding_boxes.txt`. With `none` for
CHECKPOINT the model is taken as initialised.
"""

import argparse
import json
from pathlib import Path

import torch
from mmengine.config import DictAction
from mmengine.runner import Runner, load_checkpoint
from mmpretrain.registry import MODELS

from lcv_mm.engine import load_checkpoints_safely
from lcv_mm.launch import load_config, override_config
from lcv_mm.visualization.localisation import (
    box_in_crop,
    classifier_maps,
    inside,
    localisation,
    read_cub_boxes,
    summary,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--out', type=Path, help='JSON file for the result')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    args = parser.parse_args()

    load_checkpoints_safely()
    cfg = load_config(args.config, ['model', 'test_dataloader'])
    override_config(cfg, args.cfg_options)
    short_side, crop = (cfg.test_dataloader.dataset.pipeline[i][key] for i, key in ((1, 'scale'), (2, 'crop_size')))
    cfg.model.setdefault('data_preprocessor', cfg.get('data_preprocessor'))  # the model's own comes first
    model = MODELS.build(cfg.model)
    if args.checkpoint == 'none':
        model.init_weights()
    else:
        load_checkpoint(model, args.checkpoint, map_location='cpu', strict=True)
    model.eval().to(memory_format=torch.channels_last)
    loader = Runner.build_dataloader(cfg.test_dataloader)
    boxes = read_cub_boxes(Path(cfg.test_dataloader.dataset.data_root))
    found: dict[str, list] = {}
    for batch in loader:
        data = model.data_preprocessor(batch)
        masks = torch.stack([
            inside(box_in_crop(boxes['/'.join(Path(s.img_path).parts[-2:])], s.ori_shape, short_side, crop), crop)
            for s in data['data_samples']
        ])  # fmt: skip
        maps = classifier_maps(model, data['inputs'])
        for name, values in {**maps, 'flat (chance)': torch.ones_like(maps['F'])}.items():
            found.setdefault(name, []).append(localisation(values, masks))
    result = {name: summary(parts) for name, parts in found.items()}
    # a map that points anywhere is right with the probability of the box's share of the crop
    result['flat (chance)']['pointing'] = result['flat (chance)']['energy']
    for name, values in result.items():
        print(f'{name:14} pointing game {values["pointing"]:5.1f} %   energy in the box {values["energy"]:5.1f} %')
    if args.out:
        args.out.write_text(json.dumps(result, indent=1))


if __name__ == '__main__':
    main()
