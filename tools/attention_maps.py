"""Draw attention maps over images:  python tools/attention_maps.py CONFIG CHECKPOINT [IMAGE|FOLDER...] [--out FILE]"""

import argparse
from pathlib import Path

from lcv_mm_cli import tool_parser


def parse_args() -> argparse.Namespace:
    parser = tool_parser("Draw a model's attention output over images")
    parser.add_argument(
        'images', nargs='*', metavar='IMAGE|FOLDER', help='images, and folders with images in them (default: test set)'
    )
    parser.add_argument('--out', type=Path, default=Path('attention.png'), help='picture to write')
    parser.add_argument('--num-images', type=int, default=12, help='number of images, evenly spaced (default: 12)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()

    # imported late: `--help` answers at once
    from lcv_mm.datasets.image_file import find_images, read_image  # first: it keeps the toolbox's import quiet
    from lcv_mm.errors import ConfigError
    from lcv_mm.launch import load_config, short_errors
    from lcv_mm.launch.trained import load_trained
    from lcv_mm.visualization import attention_title, draw_attention_maps, predict_with_attention

    # isort: split
    import numpy as np
    from mmengine.dataset import Compose, default_collate
    from mmpretrain.registry import DATASETS

    with short_errors():
        if args.num_images < 1:
            raise ConfigError(f'--num-images {args.num_images}: expected 1 or more')
        files = find_images(args.images)
        cfg = load_config(args.config, ['model', 'test_dataloader'], args.cfg_options)
        model = load_trained(cfg, args.checkpoint, trust=args.trust_checkpoint)
        images = files or DATASETS.build(cfg.test_dataloader.dataset)
        indices = np.linspace(0, len(images) - 1, min(args.num_images, len(images))).astype(int).tolist()
        names = model._dataset_meta.get('classes') or [str(label) for label in range(model.head.num_classes)]
        if files:
            pipeline = Compose(cfg.test_dataloader.dataset.pipeline)
            read = [read_image(files[i], pipeline) for i in indices]
        else:
            read = [images[i] for i in indices]
        batch = default_collate(read)
        samples, maps = predict_with_attention(model, batch)
        titles = [attention_title(sample, names) for sample in samples]
        args.out.parent.mkdir(parents=True, exist_ok=True)
        draw_attention_maps(batch['inputs'], maps, titles).savefig(args.out, dpi=120)
    print(f'Attention maps: {args.out}')


if __name__ == '__main__':
    main()
