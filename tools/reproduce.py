"""Reproduce the paper's tables:  python tools/reproduce.py [--tables 1 2] [--rows PATTERN] [--seeds 0 1 2] ..."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def parse_args() -> argparse.Namespace:
    from mmengine.config import DictAction

    parser = argparse.ArgumentParser(
        description='Train and test every row of the tables for every seed, each in a process of its own, and write a '
        'report. Stop it at any time (Ctrl-C saves) and start it again: what is done stays done.',
        epilog='Exit codes: 0, all runs finished; 1, some failed; 75, stopped, start it again.',
    )
    parser.add_argument('--tables', type=int, nargs='+', choices=[1, 2, 3, 4], default=[], help='default: all')
    parser.add_argument(
        '--rows',
        nargs='+',
        default=[],
        metavar='PATTERN',
        help="names of configs, such as 'lcv_*_cub448' (default: all)",
    )
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2], help='default: 0 1 2')
    parser.add_argument(
        '--dataset',
        choices=['birdlets', 'flower112', 'warblers112', 'warblers224'],
        default='',
        help='birdlets: a rehearsal on generated images, ResNet-18 at small crops, with ablations; flower112, '
        'warblers112: real images, VGG-16 at crops of 112, with LCV, without it and without its loss; warblers224: the '
        'same on ResNet-18 at 224',
    )
    parser.add_argument('--dry-run', action='store_true', help='list the runs and how far they are, and do nothing')
    parser.add_argument('--report-only', action='store_true', help='write the report on the work dir, and run nothing')
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/reproduce'), help='folder of all runs (default: %(default)s)'
    )
    parser.add_argument('--amp', action='store_true', help='train in mixed precision; the report says so')
    parser.add_argument(
        '--engine',
        choices=['local', 'ray', 'slurm'],
        default='local',
        help='local: one run on each GPU, or in turn on the CPU; ray, slurm: on a cluster of that kind',
    )
    parser.add_argument(
        '--engine-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help="local: jobs=2; ray: of ray.init and a task's resources, address=auto num_gpus=1; slurm: of submitit's "
        'update_parameters, slurm_partition=gpu timeout_min=600',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='override settings of every config, {seed} in a value being the seed of each run; such runs are not rows '
        'of the paper and are reported apart',
    )
    return parser.parse_args()


def main() -> int:
    args = parse_args()

    # imported late: `--help` answers at once
    from lcv_mm.engine.speed import warn_of_slow_amp
    from lcv_mm.launch import short_errors
    from lcv_mm.reproduce import check_specs, choose_configs, make_specs, print_plan, run_all, write_report

    with short_errors():
        if args.report_only:
            for file in write_report(args.work_dir):
                print(f'Report: {file}')
            return 0
        configs = choose_configs(ROOT / 'configs', args.tables, args.rows, args.dataset)
        specs = make_specs(configs, args.seeds, args.work_dir, ROOT / 'tools', args.cfg_options, args.amp)
        epochs = check_specs(specs)
        if args.amp and args.engine == 'local':
            warn_of_slow_amp()
        if args.dry_run:
            print_plan(specs)
            return 0
        return run_all(specs, epochs, args.engine, args.engine_options, args.work_dir)


if __name__ == '__main__':
    sys.exit(main())
