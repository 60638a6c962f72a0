"""Train a model:  python tools/train.py CONFIG [--data DIR] [--work-dir DIR] [--resume [PATH]] [--amp] ..."""

import argparse
import os
from pathlib import Path

from lcv_mm_cli import tool_parser


def parse_args() -> argparse.Namespace:
    parser = tool_parser('Train a model', checkpoint=False, launcher=True)
    parser.add_argument(
        '--data',
        metavar='DIR',
        help='images to train on: DIR/train/CLASS and DIR/val/CLASS, or DIR/CLASS, which is split',
    )
    parser.add_argument(
        '--val', type=float, default=0.2, metavar='SHARE', help='with --data: share to validate on (default: 0.2)'
    )
    parser.add_argument('--work-dir', help='folder of logs and checkpoints (default: work_dirs/<config name>)')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='PATH',
        help="carry on from the work dir's last checkpoint ('auto', or no value), or from the checkpoint PATH",
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision: float16 on a GPU, bfloat16 on a CPU')
    parser.add_argument('--no-validate', action='store_true', help='do not evaluate during training')
    parser.add_argument(
        '--auto-scale-lr', action='store_true', help='scale the learning rate with the number of GPUs and batch size'
    )
    parser.add_argument('--no-pin-memory', action='store_true', help='switch pin_memory off in all dataloaders')
    parser.add_argument(
        '--no-persistent-workers', action='store_true', help='switch persistent_workers off in all dataloaders'
    )
    return parser.parse_args()


def merge_args(cfg, args: argparse.Namespace) -> None:
    """Write the arguments into the config."""
    import torch

    from lcv_mm.launch import type_name

    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(Path('work_dirs') / Path(args.config).stem)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.amp and torch.cuda.is_available():
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    elif args.amp:
        cfg.optim_wrapper.type = 'lcv_mm.engine.CPUAmpOptimWrapper'
        cfg.optim_wrapper.pop('loss_scale', None)  # bfloat16 has the range of float32
        hooks = cfg.get('custom_hooks') or []
        if 'ChannelsLastHook' not in map(type_name, hooks):
            cfg.custom_hooks = [*hooks, dict(type='lcv_mm.engine.ChannelsLastHook')]  # faster: docs/benchmarks.md
    if args.resume == 'auto':
        cfg.resume = 'auto'
    elif args.resume is not None:
        cfg.resume, cfg.load_from = True, args.resume
    if args.auto_scale_lr:
        cfg.auto_scale_lr.enable = True
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if cfg.get(loader) is not None:
            if args.no_pin_memory:
                cfg[loader].pin_memory = False
            if args.no_persistent_workers:
                cfg[loader].persistent_workers = False


def main() -> None:
    args = parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))

    # imported late: `--help` answers at once
    from lcv_mm.launch import build_runner, cpu_launch, load_config, short_errors, use_folder

    needs = ['model', 'train_dataloader', 'train_cfg', 'optim_wrapper', *['auto_scale_lr'] * args.auto_scale_lr]
    with short_errors():
        cfg = load_config(args.config, needs, args.cfg_options)
        merge_args(cfg, args)
        if args.data is not None:
            use_folder(cfg, args.data, args.val)
        with cpu_launch(cfg):
            build_runner(cfg, ('train_dataloader', 'val_dataloader'), args.trust_checkpoint).train()
    if os.environ.get('RANK', '0') == '0':
        last = Path(cfg.work_dir, 'last_checkpoint')
        checkpoint = last.read_text() if last.is_file() else 'CHECKPOINT'
        config = Path(cfg.work_dir, Path(cfg.filename or args.config).name)  # with the changes of the command line
        # without validation, all images of a folder are trained on, and none are left to test
        tool, image = ('predict', ' IMAGE') if args.data and args.no_validate else ('test', '')
        then = f'lcv_mm {tool} {config} {checkpoint}{image}'
        print(f'Trained: checkpoints and log are in {cfg.work_dir}. Next: {then}')


if __name__ == '__main__':
    main()
