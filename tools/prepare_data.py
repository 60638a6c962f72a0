"""Download, unpack, check datasets:  python tools/prepare_data.py cub|dogs|flower17|birdlets|all [--check] ..."""

import argparse

NAMES = ('cub', 'dogs', 'flower17', 'birdlets')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Download, unpack and check the datasets')
    parser.add_argument(
        'datasets', nargs='+', choices=(*NAMES, 'all'), metavar='DATASET', help=', '.join(NAMES) + ' or all'
    )
    parser.add_argument('--root', default='data', help='folder of all data (default: data)')
    parser.add_argument(
        '--archives',
        metavar='DIR',
        help='take the archives from this folder; nothing is downloaded, nothing in it changed',
    )
    parser.add_argument(
        '--check', action='store_true', help='change nothing: count what is there, open each image, list all faults'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()

    # imported late: `--help` answers at once
    from lcv_mm.data_prep import prepare

    names = NAMES if 'all' in args.datasets else args.datasets
    try:
        intact = prepare(names, args.root, args.archives, args.check)
    except KeyboardInterrupt:
        raise SystemExit('\ninterrupted; run the command again and it goes on') from None
    raise SystemExit(0 if intact else 1)


if __name__ == '__main__':
    main()
