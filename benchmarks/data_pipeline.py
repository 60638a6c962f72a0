"""Images per second of the training pipeline on one core: decoders, and collate functions with and without a worker.

    python benchmarks/data_pipeline.py [CONFIG] [--images 64] [--rounds 5]

JPEGs of 500 x 500 in CUB's layout; one process, one thread. All variants run in each round.
"""

import argparse
import copy
import statistics
import tempfile
from pathlib import Path

import cv2
import torch
from measure import interleaved_times
from mmengine.config import Config
from mmengine.dataset import default_collate, pseudo_collate
from mmpretrain.registry import DATASETS
from torch.utils.data import DataLoader
from train_step import CONFIGS

from lcv_mm.datasets.birdlets import BirdletsSettings, generate_birdlets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', nargs='?', default='lcv_cbp_vgg16_cub448', help='name of a config')
    parser.add_argument('--images', type=int, default=64)
    parser.add_argument('--rounds', type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    cfg = Config.fromfile(Path(CONFIGS) / f'{args.config}.py')
    with tempfile.TemporaryDirectory() as folder:
        settings = BirdletsSettings(20, train_per_class=-(-args.images // 20), test_per_class=1, image_size=500)
        root = generate_birdlets(Path(folder) / 'CUB_200_2011', settings)

        def dataset(backend: str, interpolation: str, length: int | None = None):
            part = copy.deepcopy(cfg.train_dataloader.dataset.to_dict())
            part['pipeline'][0].update(imdecode_backend=backend)
            part['pipeline'][1].update(backend=interpolation)
            part['pipeline'] = part['pipeline'][:length]
            return DATASETS.build(dict(part, data_root=str(root)))

        def images(data, collate=None):
            def step() -> None:
                samples = [data[i] for i in range(args.images)]
                if collate is not None:
                    for start in range(0, args.images, 16):
                        collate(samples[start : start + 16])

            return step

        def worker(data, collate):
            """A persistent worker, as in training: batches are passed between processes."""
            loader = DataLoader(
                data, 16, sampler=range(args.images), num_workers=1, collate_fn=collate, persistent_workers=True
            )
            return lambda: list(loader)

        steps = {
            'decoding alone (OpenCV)': images(dataset('cv2', 'cv2', 1)),
            'OpenCV, default_collate': images(dataset('cv2', 'cv2'), default_collate),
            'OpenCV, pseudo_collate': images(dataset('cv2', 'cv2'), pseudo_collate),
            'OpenCV, default_collate, a worker': worker(dataset('cv2', 'cv2'), default_collate),
            'OpenCV, pseudo_collate, a worker': worker(dataset('cv2', 'cv2'), pseudo_collate),
            'Pillow decodes, OpenCV resizes': images(dataset('pillow', 'cv2'), default_collate),
            'Pillow': images(dataset('pillow', 'pillow'), default_collate),
        }
        times = interleaved_times(steps, args.rounds, 'cpu')
    for name, seconds in times.items():
        print(f'{name:34} {args.images / statistics.median(seconds):7.0f} images/s')


if __name__ == '__main__':
    main()
