"""Draw the learning curves of runs:  python tools/plot_curves.py WORK_DIR [WORK_DIR ...] [--out FILE]"""

import argparse
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(
        description='Draw losses, accuracies and distances of training runs in one picture'
    )
    parser.add_argument('work_dirs', metavar='WORK_DIR', type=Path, nargs='+', help='work dir of a run')
    parser.add_argument('--out', type=Path, help='picture to write (default: curves.png in the first work dir)')
    args = parser.parse_args()
    out = args.out or args.work_dirs[0] / 'curves.png'

    # imported late: `--help` answers at once
    from lcv_mm.launch import short_errors
    from lcv_mm.visualization import draw_curves, read_curves

    with short_errors():
        # the same run of two work dirs has the same last name
        names = [path.resolve().name for path in args.work_dirs]
        labels = names if len({*names}) == len(names) else [str(path) for path in args.work_dirs]
        runs = {label: [read_curves(path)] for label, path in zip(labels, args.work_dirs, strict=True)}
        out.parent.mkdir(parents=True, exist_ok=True)
        draw_curves(runs).savefig(out, dpi=120)
    print(f'Learning curves: {out}')


if __name__ == '__main__':
    main()
