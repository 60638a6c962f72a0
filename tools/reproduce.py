"""Reproduce the paper's tables:  python tools/reproduce.py [--tables 1 2] [--rows PATTERN] [--seeds 0 1 2] ..."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tools'))  # not there when `lcv_mm` runs this file
from compare import EXIT_CODES, add_run_arguments, run  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(
        description='Train and test every row of the tables for every seed, as tools/compare.py does, and write a '
        "report that shows the paper's numbers beside those reached.",
        epilog=EXIT_CODES,
    )
    parser.add_argument('--tables', type=int, nargs='+', choices=[1, 2, 3, 4], default=[], help='default: all')
    parser.add_argument(
        '--rows',
        nargs='+',
        default=[],
        metavar='PATTERN',
        help="names of configs, such as 'lcv_*_cub448' (default: all)",
    )
    parser.add_argument(
        '--dataset',
        choices=['birdlets', 'flower112', 'warblers112'],
        default='',
        help='birdlets: a rehearsal on generated images, ResNet-18 at small crops, with ablations; flower112, '
        'warblers112: real images at crops of 112, with LCV, without it and without its loss',
    )
    add_run_arguments(parser, 'work_dirs/reproduce')
    args = parser.parse_args()

    # imported late: `--help` answers at once
    from lcv_mm.launch import short_errors
    from lcv_mm.reproduce import choose_rows

    with short_errors():
        return run(choose_rows(ROOT / 'configs', args.tables, args.rows, args.dataset), args)


if __name__ == '__main__':
    sys.exit(main())
