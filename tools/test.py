"""Test a checkpoint:  python tools/test.py CONFIG CHECKPOINT [--out FILE] [--show-dir DIR] ..."""

import argparse
import math
import os
import pickle
from pathlib import Path
from typing import Any

from lcv_mm_cli import tool_parser


def parse_args() -> argparse.Namespace:
    parser = tool_parser('Test (and evaluate) a model', launcher=True)
    parser.add_argument('--work-dir', help='folder of the log and the metrics (default: work_dirs/<config name>/test)')
    parser.add_argument('--out', help='file for the predictions or metrics: .pkl, or with `--out-item metrics` .json')
    parser.add_argument(
        '--out-item', choices=['metrics', 'pred'], default='pred', help='what goes into --out (default: pred)'
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument(
        '--tta',
        action='store_true',
        help='test-time augmentation: tta_model and tta_pipeline of the config, or else the mean of the scores of each '
        'image and its mirror image',
    )
    parser.add_argument('--show-dir', help='folder for the test images with their predicted and true classes')
    parser.add_argument('--show', action='store_true', help='show these images in a window')
    parser.add_argument('--interval', type=int, default=1, help='draw every N-th image (default: 1)')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds that a window stays open (default: 2)')
    parser.add_argument('--no-pin-memory', action='store_true', help='switch pin_memory off in the dataloader')
    return parser.parse_args()


def merge_args(cfg, args: argparse.Namespace) -> None:
    """Write the arguments into the config."""
    from lcv_mm.launch import type_name

    cfg.launcher = args.launcher
    # the Runner saves the config there; in the folder of the training run it would replace the run's
    run = cfg.get('work_dir') or Path('work_dirs') / Path(args.config).stem
    cfg.work_dir = args.work_dir or str(Path(run) / 'test')
    cfg.load_from = args.checkpoint
    cfg.resume = False
    if args.amp:
        cfg.test_cfg.fp16 = True
    if args.no_pin_memory:
        cfg.test_dataloader.pin_memory = False
    if args.show or args.show_dir is not None:
        if not cfg.get('visualizer'):  # MMEngine's own cannot draw classes
            cfg.visualizer = dict(type='mmpretrain.UniversalVisualizer', vis_backends=[dict(type='LocalVisBackend')])
        hooks = cfg.setdefault('default_hooks', {})
        if type_name(hooks.get('visualization')) in ('', 'VisualizationHook'):
            # MMPretrain's names pictures by file name alone
            hooks['visualization'] = dict(type='lcv_mm.engine.UniqueVisualizationHook')
        hooks['visualization'].update(
            enable=True, show=args.show, wait_time=args.wait_time, out_dir=args.show_dir, interval=args.interval
        )


def augment(cfg) -> None:
    """Wrap the model, and end the test pipeline in its augmentations, as MMPretrain's tools/test.py does."""
    *steps, pack = cfg.test_dataloader.dataset.pipeline
    flips = [[dict(type='mmcv.transforms.RandomFlip', prob=prob) for prob in (0.0, 1.0)], [pack]]
    flipped = [*steps, dict(type='mmcv.transforms.TestTimeAug', transforms=flips)]
    cfg.test_dataloader.dataset.pipeline = cfg.get('tta_pipeline') or flipped
    cfg.model = dict(cfg.get('tta_model') or dict(type='mmpretrain.AverageClsScoreTTA'), module=cfg.model)


def plain(value: Any) -> Any:
    """Convert a metric for JSON: tensors and arrays to numbers, values that are not finite to None."""
    value = value.tolist() if hasattr(value, 'tolist') else value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def main() -> None:
    args = parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))

    # imported late: `--help` answers at once
    import mmengine
    from mmengine.evaluator import DumpResults

    from lcv_mm.engine import write_atomically
    from lcv_mm.launch import build_runner, check_out_file, cpu_launch, load_config, short_errors

    class AtomicDump(DumpResults):
        default_prefix = 'predictions'  # MMEngine warns if there is none

        def compute_metrics(self, results: list) -> dict:
            write_atomically(self.out_file_path, pickle.dumps(results))
            return {}

    with short_errors():
        check_out_file(args.out, *(['.pkl'] if args.out_item == 'pred' else ['.json', '.yaml', '.yml', '.pkl']))
        needs = ('model', 'test_dataloader', 'test_cfg', 'test_evaluator')
        cfg = load_config(args.config, needs, args.cfg_options)
        merge_args(cfg, args)
        if args.tta:
            augment(cfg)
        with cpu_launch(cfg):
            runner = build_runner(cfg, ('test_dataloader',), args.trust_checkpoint)
            if args.out and args.out_item == 'pred':
                runner.test_evaluator.metrics.insert(0, AtomicDump(out_file_path=args.out))  # others may fail
            metrics = runner.test()
            if args.out and args.out_item == 'metrics' and runner.rank == 0:
                values = {name: plain(value) for name, value in metrics.items()}
                write_atomically(args.out, mmengine.dump(values, file_format=Path(args.out).suffix[1:]))
    if runner.rank != 0:
        return
    then = f'lcv_mm predict {args.config} {args.checkpoint} IMAGE'
    if args.out and args.out_item == 'pred':
        then = f'lcv_mm analyze {args.config} {args.out}'
    print(f'Tested: results are in {args.out or cfg.work_dir}. Next: {then}')


if __name__ == '__main__':
    main()
