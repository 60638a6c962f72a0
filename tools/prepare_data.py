"""Download, unpack, check datasets:  python tools/prepare_data.py cub|dogs|flower17|all|DIR [--check] ..."""

import argparse
from pathlib import Path

NAMES = ('cub', 'dogs', 'flower17')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Download, unpack and check the datasets')
    parser.add_argument(
        'datasets', nargs='+', metavar='DATASET', help=', '.join(NAMES) + ', all, or to --check a folder of your own'
    )
    parser.add_argument('--root', default='data', help='folder of all data (default: data)')
    parser.add_argument(
        '--archives',
        metavar='DIR',
        help='take the archives from this folder; nothing is downloaded, and the folder is not changed',
    )
    parser.add_argument(
        '--check', action='store_true', help='change nothing: count and open all images, list all faults'
    )
    args = parser.parse_args()
    for name in args.datasets:
        if name not in (*NAMES, 'all') and not (args.check and Path(name).is_dir()):
            parser.error(f'{name}: expected one of {", ".join(NAMES)}, all, or with --check a folder of your own')
    return args


def check_folder(root: Path) -> bool:
    """Open every image of the classes in `train/` and `val/`, or in `root`; print the counts and all faults."""
    from rich.progress import track

    from lcv_mm.datasets import ImageFolder
    from lcv_mm.datasets.image_file import image_error
    from lcv_mm.errors import DataError, first_difference

    faults, classes = [], {}
    splits = ('train', 'val') if (root / 'train').is_dir() else ('',)
    for split in [split for split in splits if (root / split).is_dir()]:
        try:
            dataset = ImageFolder(data_root=str(root), data_prefix=split)
        except DataError as error:
            faults.append(str(error))
            continue
        classes[split] = dataset.CLASSES
        print(f'{root / split}: {len(dataset)} images of {len(dataset.CLASSES)} classes', flush=True)
        files = [dataset.get_data_info(index)['img_path'] for index in range(len(dataset))]
        faults += [f'{file}: {fault}' for file in track(files, 'Opening the images') if (fault := image_error(file))]
    if len(classes) == 2 and classes['train'] != classes['val']:
        faults.append(f'train and val have different classes: {first_difference(classes["train"], classes["val"])}')
    print('\n'.join([f'{len(faults)} faults:', *faults]) if faults else 'no fault')
    return not faults


def main() -> None:
    args = parse_args()

    # imported late: `--help` answers at once
    from lcv_mm.data_prep import prepare

    names = NAMES if 'all' in args.datasets else [name for name in args.datasets if name in NAMES]
    folders = [Path(name) for name in args.datasets if name not in (*NAMES, 'all')]
    try:
        intact = prepare(names, args.root, args.archives, args.check)
        intact = all([intact, *map(check_folder, folders)])
    except KeyboardInterrupt:
        raise SystemExit('\ninterrupted; run the command again to continue') from None
    raise SystemExit(0 if intact else 1)


if __name__ == '__main__':
    main()
