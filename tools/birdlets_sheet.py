"""Draw a sheet of Birdlets, a row a class:  python tools/birdlets_sheet.py [--data-root DIR] [--out FILE]"""

import argparse
from pathlib import Path

THUMBNAIL = 104  # pixels
LABEL = 168  # pixels, left of a row
BLOCKS = 2  # the rows stand in two blocks, side by side


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Draw a contact sheet of Birdlets, one row for each class')
    parser.add_argument(
        '--data-root', default='data/birdlets', help='folder of Birdlets, made if absent (default: data/birdlets)'
    )
    parser.add_argument('--out', type=Path, default=Path('docs/images/birdlets.jpg'), help='picture to write')
    parser.add_argument('--columns', type=int, default=5, help='images of each class (default: 5)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()

    # imported late: `--help` answers at once
    import cv2
    import mmcv
    import numpy as np

    from lcv_mm.datasets.birdlets import generate_birdlets
    from lcv_mm.launch import short_errors

    root = Path(args.data_root)
    with short_errors():
        if not (root / 'images').is_dir():
            root = generate_birdlets(root)

    folders = sorted(folder for folder in (root / 'images').iterdir() if folder.is_dir())
    rows = []
    for folder in folders:
        label = np.full((THUMBNAIL, LABEL, 3), 255, np.uint8)
        number, _, name = folder.name.partition('.')
        for height, text in ((0.45, number), (0.6, name.replace('_', ' '))):
            at = (6, round(height * THUMBNAIL))
            cv2.putText(label, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1, cv2.LINE_AA)
        pictures = [mmcv.imread(file) for file in sorted(folder.glob('*.jpg'))[: args.columns]]
        thumbnails = [cv2.resize(p, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA) for p in pictures]
        blanks = [np.full((THUMBNAIL, THUMBNAIL, 3), 255, np.uint8)] * (args.columns - len(pictures))
        rows.append(np.hstack([label, *thumbnails, *blanks]))
    rows += [np.full_like(rows[0], 255)] * (-len(rows) % BLOCKS)
    in_block = len(rows) // BLOCKS
    sheet = np.hstack([np.vstack(rows[i * in_block : (i + 1) * in_block]) for i in range(BLOCKS)])

    args.out.parent.mkdir(parents=True, exist_ok=True)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 85] if args.out.suffix.lower() in ('.jpg', '.jpeg') else []
    if not cv2.imwrite(str(args.out), sheet, quality):
        raise SystemExit(f'error: {args.out} could not be written')
    print(f'Sheet of {len(folders)} classes: {args.out}')


if __name__ == '__main__':
    main()
