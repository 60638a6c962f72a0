"""Draw attention maps over test images:  python tools/attention_maps.py CONFIG CHECKPOINT [--out FILE]"""

import argparse
from pathlib import Path


def parse_args() -> argparse.Namespace:
    from mmengine.config import DictAction

    parser = argparse.ArgumentParser(description="Draw a model's attention output over test images")
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', type=Path, default=Path('attention.png'), help='picture to write')
    parser.add_argument('--num-images', type=int, default=12, help='test images, evenly spaced (default: 12)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='override settings')
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='load a checkpoint that holds more than weights; such a file can run any code',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()

    # imported late: `--help` answers at once
    import numpy as np
    from mmengine.registry import init_default_scope
    from mmengine.runner import load_checkpoint
    from mmpretrain.registry import DATASETS, MODELS

    from lcv_mm.engine import load_checkpoints_safely, trust_checkpoints
    from lcv_mm.launch import config_errors, load_config, override_config, short_errors
    from lcv_mm.visualization import draw_attention_maps

    with short_errors():
        cfg = load_config(args.config, ['model', 'test_dataloader'])
        override_config(cfg, args.cfg_options)
        if args.trust_checkpoint:
            trust_checkpoints()
        else:
            load_checkpoints_safely()
        init_default_scope(cfg.get('default_scope') or 'mmpretrain')  # as the Runner does, for names in wrappers
        with config_errors(cfg):
            dataset = DATASETS.build(cfg.test_dataloader.dataset)
            # as the Runner does: the model's own comes first
            cfg.model.setdefault('data_preprocessor', cfg.get('data_preprocessor'))
            model = MODELS.build(cfg.model)
        load_checkpoint(model, args.checkpoint, map_location='cpu', strict=True)
        indices = np.linspace(0, len(dataset) - 1, min(args.num_images, len(dataset))).astype(int).tolist()
        draw_attention_maps(model, dataset, indices).savefig(args.out, dpi=120)
    print(f'Attention maps: {args.out}')


if __name__ == '__main__':
    main()
