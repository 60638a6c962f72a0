"""Draw the learning curves of a run:  python tools/plot_curves.py WORK_DIR [--out FILE]"""

import argparse
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description='Draw the losses, accuracies and distances of a training run')
    parser.add_argument('work_dir', type=Path, help='work dir of the run')
    parser.add_argument('--out', type=Path, help='picture to write (default: WORK_DIR/curves.png)')
    args = parser.parse_args()
    out = args.out or args.work_dir / 'curves.png'

    # imported late: `--help` answers at once
    from lcv_mm.launch import check_out_file, short_errors
    from lcv_mm.visualization import PICTURES, draw_curves, read_curves

    with short_errors():
        check_out_file(args.out, PICTURES)
        draw_curves(read_curves(args.work_dir), args.work_dir.name).savefig(out, dpi=120)
    print(f'Learning curves: {out}')


if __name__ == '__main__':
    main()
