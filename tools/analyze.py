"""Write a page on predictions:  python tools/analyze.py CONFIG PREDICTIONS.pkl [--out DIR]"""

import argparse
from pathlib import Path

from lcv_mm_cli import tool_parser


def parse_args() -> argparse.Namespace:
    parser = tool_parser(
        'Write analysis.html on the predictions of tools/test.py --out: confusion matrix, precision, recall and F1 of '
        'each class, confused pairs, calibration, embedding',
        checkpoint=False,
    )
    parser.add_argument('predictions', type=Path, help='.pkl of tools/test.py --out; such a file can run any code')
    parser.add_argument('--out', type=Path, help='folder to write to (default: that of the predictions)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()

    # imported late: `--help` answers at once
    from lcv_mm.engine import write_atomically  # first: it keeps the toolbox's import quiet
    from lcv_mm.errors import ConfigError
    from lcv_mm.launch import load_config, short_errors
    from lcv_mm.visualization.analysis import analysis_page, read_predictions

    # isort: split
    from mmengine.registry import init_default_scope
    from mmpretrain.registry import DATASETS

    with short_errors():
        cfg = load_config(args.config, ['test_dataloader'], args.cfg_options)
        init_default_scope(cfg.get('default_scope') or 'mmpretrain')  # as the Runner does, for names in wrappers
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
        classes = dataset.metainfo['classes']
        predictions = read_predictions(args.predictions, len(classes))
        truth = {info.get('img_path'): info.get('gt_label') for info in map(dataset.get_data_info, range(len(dataset)))}
        truth.pop(None, None)  # images without a file, such as MNIST's
        for file, label in zip(predictions.files, predictions.labels, strict=True):
            if truth.get(file, label) != label:
                raise ConfigError(
                    f'{args.predictions}: {file} has label {label}, but {truth[file]} in test_dataloader.dataset; '
                    'give the config that the predictions were made with'
                )
        page = analysis_page(predictions, classes, f'Predictions of {Path(args.config).stem}')
        folder = args.out or args.predictions.parent
        write_atomically(folder / 'analysis.html', page)
    print(f'Analysis: {folder / "analysis.html"}')


if __name__ == '__main__':
    main()
