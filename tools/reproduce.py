"""Reproduce the paper's tables:  python tools/reproduce.py [--tables 1 2] [--rows PATTERN] [--seeds 0 1 2] ..."""

import sys
from pathlib import Path

from lcv_mm_cli import runs_parser

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = runs_parser(
        'Train and test every row of the tables for every seed, as tools/compare.py does, and write a report that '
        "shows the paper's numbers beside those reached.",
        'work_dirs/reproduce',
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument('--tables', type=int, nargs='+', choices=[1, 2, 3, 4], default=[], help='default: all')
    parser.add_argument(
        '--rows',
        nargs='+',
        default=[],
        metavar='PATTERN',
        help="names of configs, such as 'lcv_*_cub448' (default: all)",
    )
    which.add_argument(
        '--dataset',
        choices=['birdlets', 'flower112', 'warblers112'],
        default='',
        help='birdlets: a rehearsal on generated images, ResNet-18 at small crops, with ablations; flower112, '
        'warblers112: real images at crops of 112, with LCV, without it and without its loss',
    )
    args = parser.parse_args()

    # imported late: `--help` answers at once
    from lcv_mm.launch import short_errors
    from lcv_mm.reproduce import choose_rows, run_and_report

    with short_errors():
        rows = choose_rows(ROOT / 'configs', args.tables, args.rows, args.dataset)
        return run_and_report(rows, ROOT / 'tools', args)


if __name__ == '__main__':
    sys.exit(main())
