"""Compare configs over seeds:  python tools/compare.py A.py B.py ... [--seeds 0 1 2] [--baseline A.py] ..."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXIT_CODES = 'Exit codes: 0, all runs finished; 1, some failed; 75, stopped, start it again.'


def add_run_arguments(parser: argparse.ArgumentParser, work_dir: str) -> None:
    """The arguments of a command that runs many configs."""
    parser.add_argument(
        '--seeds', type=int, nargs='+', help='default: 0 1 2; of --report-only: all seeds that have been run'
    )
    parser.add_argument('--dry-run', action='store_true', help='list the runs and how far they are, and do nothing')
    parser.add_argument('--report-only', action='store_true', help='write the report, and run nothing')
    parser.add_argument(
        '--work-dir', type=Path, default=Path(work_dir), help='folder of all runs (default: %(default)s)'
    )
    parser.add_argument('--out', type=Path, metavar='DIR', help='folder of the report (default: the work dir)')
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
        default=[],
        metavar='KEY=VALUE',
        help="local: jobs=2; ray: of ray.init and a task's resources, address=auto num_gpus=1; slurm: of submitit's "
        'update_parameters, slurm_partition=gpu timeout_min=600',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='override settings of every config; {seed} in a value is the seed of each run',
    )


def run(configs: Sequence[Path], args: argparse.Namespace, baseline: str = '', data: str = '') -> int:
    """Run the configs with each seed and write the report; returns the exit code."""
    from mmengine.config import DictAction

    from lcv_mm.engine.speed import warn_of_slow_amp
    from lcv_mm.reproduce import make_specs, print_plan, run_all, run_lengths, write_report

    code = 0
    if not args.report_only:
        seeds = [0, 1, 2] if args.seeds is None else args.seeds
        specs = make_specs(configs, seeds, args.work_dir, ROOT / 'tools', args.cfg_options, args.amp, data)
        lengths = run_lengths(specs)
        if args.amp and args.engine == 'local':
            warn_of_slow_amp()
        if args.dry_run:
            print_plan(specs)
            return 0
        options = (option.partition('=') for option in args.engine_options)
        code = run_all(specs, lengths, args.engine, {key: DictAction._parse_iterable(text) for key, _, text in options})
    names = [config.stem for config in configs]
    print(f'Report: {write_report(args.work_dir, names, args.seeds, baseline=baseline, out=args.out)}')
    return code


def main() -> int:
    parser = argparse.ArgumentParser(
        description='Train and test each config with each seed, and write a report: accuracies, differences from the '
        'baseline with their intervals, curves, cost. Stop it at any time (Ctrl-C saves) and start it again: what is '
        'done stays done.',
        epilog=EXIT_CODES,
    )
    parser.add_argument('configs', nargs='+', metavar='CONFIG', help='paths or names of configs')
    parser.add_argument('--baseline', help='the config that the others are compared with (default: the first)')
    parser.add_argument('--data', metavar='DIR', help='folder of images to train all configs on, as of tools/train.py')
    add_run_arguments(parser, 'work_dirs/compare')
    args = parser.parse_args()

    # imported late: `--help` answers at once
    from lcv_mm.launch import short_errors
    from lcv_mm.reproduce import find_configs

    with short_errors():
        configs = find_configs(args.configs)
        baseline = find_configs([args.baseline])[0] if args.baseline else configs[0]
        if baseline not in configs:
            configs = find_configs([*args.configs, args.baseline])
        data = str(Path(args.data).resolve()) if args.data else ''
        return run(configs, args, baseline.stem, data)


if __name__ == '__main__':
    sys.exit(main())
