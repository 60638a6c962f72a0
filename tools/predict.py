"""Predict the classes of images:  python tools/predict.py CONFIG CHECKPOINT IMAGE|FOLDER... [--out FILE] ..."""

import argparse
import itertools
import os
from pathlib import Path
from typing import Any

from lcv_mm_cli import tool_parser


def parse_args() -> argparse.Namespace:
    parser = tool_parser('Predict the classes of images')
    parser.add_argument('images', nargs='+', metavar='IMAGE|FOLDER', help='images, and folders with images in them')
    parser.add_argument(
        '--out', help='file for the predictions, .json or .csv (default: a line per image on the terminal)'
    )
    parser.add_argument('--topk', type=int, default=5, help='classes for each image, most likely first (default: 5)')
    parser.add_argument('--save', type=Path, metavar='DIR', help='folder for copies of the images, sorted by class')
    parser.add_argument('--batch-size', type=int, help="images at once (default: the config's test_dataloader's)")
    parser.add_argument('--device', help='such as cpu or cuda:1 (default: a GPU if there is one)')
    return parser.parse_args()


def predict(model: Any, files: list[Path], batch_size: int, topk: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the most likely classes of each readable image, and the errors of the others."""
    import torch
    from mmengine.dataset import Compose, default_collate
    from rich.console import Console
    from rich.progress import track

    from lcv_mm.datasets.image_file import read_image
    from lcv_mm.errors import DataError

    classes = model._dataset_meta.get('classes') or ()
    pipeline = Compose(model._config.test_dataloader.dataset.pipeline)
    predictions: list[dict[str, Any]] = []
    faults: list[str] = []
    for start in track(range(0, len(files), batch_size), 'Predicting', console=Console(stderr=True)):
        read = {}
        for file in files[start : start + batch_size]:
            try:
                read[file] = read_image(file, pipeline)
            except DataError as error:
                faults.append(str(error))
        if read:
            with torch.no_grad():
                samples = model.test_step(default_collate([*read.values()]))
            for file, sample in zip(read, samples, strict=True):
                if not sample.pred_score.isfinite().all():
                    faults.append(f'{file}: the model gives it scores that are NaN or infinite')
                    continue
                top = sample.pred_score.topk(min(topk, len(sample.pred_score)))
                ranked = [
                    {'class': classes[label] if label < len(classes) else str(label), 'label': label, 'score': score}
                    for label, score in zip(top.indices.tolist(), top.values.tolist(), strict=True)
                ]
                predictions.append({'image': str(file), 'top': ranked})
    return predictions, faults


def write(predictions: list[dict[str, Any]], out: str | None) -> None:
    """Write predictions to a file, or print a line per image."""
    import csv
    import io
    import json

    from lcv_mm.engine import write_atomically

    if out is None:
        for prediction in predictions:
            image = prediction['image'].encode(errors='backslashreplace').decode()  # file names may not be UTF-8
            print(f'{image}:', ', '.join(f'{top["class"]} {top["score"]:.3f}' for top in prediction['top']))
        return
    text = io.StringIO(newline='')
    if out.endswith('.json'):
        json.dump(predictions, text, indent=1, ensure_ascii=False, allow_nan=False)
    else:
        writer = csv.DictWriter(text, ('image', 'rank', 'class', 'label', 'score'))
        writer.writeheader()
        for prediction in predictions:
            writer.writerows(
                {'image': prediction['image'], 'rank': i, **top} for i, top in enumerate(prediction['top'], 1)
            )
    write_atomically(out, text.getvalue().encode(errors='backslashreplace'))
    print(f'Predictions of {len(predictions)} images: {out}')


def save(predictions: list[dict[str, Any]], folder: Path) -> None:
    """Copy each image to a folder named after its class; another image of that name there gets a number."""
    import filecmp
    import shutil

    for prediction in predictions:
        image, top = Path(prediction['image']), prediction['top'][0]
        target = folder / (top['class'].replace(os.sep, '_').lstrip('.') or str(top['label'])) / image.name
        target.parent.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(2):
            if not target.exists() or filecmp.cmp(image, target, shallow=False):
                break
            target = target.with_name(f'{image.stem}_{number}{image.suffix}')
        shutil.copyfile(image, target)
    print(f'Saved: {len(predictions)} images by class in {folder}')


def main() -> None:
    args = parse_args()

    # imported late: `--help` answers at once
    from lcv_mm.datasets.image_file import find_images
    from lcv_mm.errors import ConfigError
    from lcv_mm.launch import check_out_file, load_config, short_errors
    from lcv_mm.launch.trained import load_trained

    with short_errors():
        check_out_file(args.out, '.json', '.csv')
        files = find_images(args.images)
        cfg = load_config(args.config, ['model', 'test_dataloader'], args.cfg_options)
        size = cfg.test_dataloader.get('batch_size', 1) if args.batch_size is None else args.batch_size
        if min(args.topk, size) < 1:
            raise ConfigError(f'--topk {args.topk} --batch-size {size}: expected whole numbers, 1 or more')
        model = load_trained(cfg, args.checkpoint, args.device, args.trust_checkpoint)
        predictions, faults = predict(model, files, size, args.topk)
        write(predictions, args.out)
        if args.save is not None:
            save(predictions, args.save)
    if faults:
        raise SystemExit('\n'.join([f'{len(predictions)} of {len(files)} images predicted; errors:', *faults]))


if __name__ == '__main__':
    main()
