"""Compare configs over seeds:  python tools/compare.py A.py B.py ... [--seeds 0 1 2] [--baseline A.py] ..."""

import sys
from pathlib import Path

from lcv_mm_cli import runs_parser


def main() -> int:
    parser = runs_parser(
        'Train and test each config with each seed, and write a report: accuracies, differences from the '
        'baseline with their intervals, curves, cost. Stop it at any time (Ctrl-C saves) and run it again: '
        'finished runs are kept.',
        'work_dirs/compare',
    )
    parser.add_argument('configs', nargs='+', metavar='CONFIG', help='paths or names of configs')
    parser.add_argument('--baseline', help='the config that the others are compared with (default: the first)')
    parser.add_argument('--data', metavar='DIR', help='folder of images to train all configs on, as in tools/train.py')
    args = parser.parse_args()

    # imported late: `--help` answers at once
    from lcv_mm.launch import short_errors
    from lcv_mm.reproduce import find_configs, run_and_report

    with short_errors():
        configs = find_configs(args.configs)
        baseline = find_configs([args.baseline])[0] if args.baseline else configs[0]
        if baseline not in configs:
            configs = find_configs([*args.configs, args.baseline])
        data = str(Path(args.data).resolve()) if args.data else ''
        return run_and_report(configs, Path(__file__).resolve().parent, args, baseline.stem, data)


if __name__ == '__main__':
    sys.exit(main())
