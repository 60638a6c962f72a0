"""Time and memory of complete training steps at 448, against global average pooling on the same backbone.

    python benchmarks/train_step.py [CONFIG ...] [--device cuda] [--precision bf16] [--channels-last] [--batch-size 2]

The batch is real: JPEGs of 500 x 500 in CUB's layout, through the config's own pipeline. All variants run in each
round, so that drift of the machine affects all equally.
"""

import argparse
import json
import platform
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from measure import interleaved_times, median_ratio, peak_bytes, saved_bytes
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmpretrain.models import GlobalAveragePooling, ImageClassifier, LinearClsHead
from mmpretrain.registry import DATASETS, MODELS
from torch.profiler import ProfilerActivity, profile, record_function

from lcv_mm.datasets.birdlets import BirdletsSettings, generate_birdlets
from lcv_mm.models import LCVClassifier

CONFIGS = Path(__file__).parents[1] / 'configs'
DEFAULT = ['lcv_cbp_vgg16_cub448', 'cbp_vgg16_cub448']


def real_batch(cfg: Config, batch_size: int) -> dict:
    """A batch of pairs of one class, read from JPEGs in CUB's layout."""
    with tempfile.TemporaryDirectory() as folder:
        settings = BirdletsSettings(20, train_per_class=2, test_per_class=1, image_size=500)
        root = generate_birdlets(Path(folder) / 'CUB_200_2011', settings)
        dataset = DATASETS.build(dict(cfg.train_dataloader.dataset, data_root=str(root)))
        return default_collate([dataset[i] for i in range(batch_size)])


def build_models(configs: list[str], device: str, channels_last: bool) -> dict[str, ImageClassifier]:
    """The configs' models, and global average pooling on the backbone of the first."""
    models = {}
    for name in [*configs, 'gap']:
        cfg = Config.fromfile(CONFIGS / f'{configs[0] if name == "gap" else name}.py')
        cfg.model.backbone.init_cfg = None
        if name == 'gap':
            backbone, head = cfg.model.backbone, dict(type=LinearClsHead, in_channels=512, num_classes=200)
            cfg.model = dict(type=ImageClassifier, backbone=backbone, neck=dict(type=GlobalAveragePooling), head=head)
        model = MODELS.build(dict(cfg.model, data_preprocessor=cfg.data_preprocessor)).to(device).train()
        models[name] = model.to(memory_format=torch.channels_last) if channels_last else model
    return models


def lcv_share(model: LCVClassifier, step: Callable[[], None]) -> float:
    """Share of a step's time that attention, distances and pair losses take, forward and backward."""
    loss = model.variance_loss
    originals = model.neck.forward, loss.terms

    def named(function: Callable) -> Callable:
        def call(*args):
            with record_function('lcv_part'):
                return function(*args)

        return call

    model.neck.forward, loss.terms = map(named, originals)
    try:
        with profile(activities=[ProfilerActivity.CPU]) as run, record_function('whole_step'):
            step()
    finally:
        model.neck.forward, loss.terms = originals
    total = {event.key: event.cpu_time_total for event in run.key_averages()}
    backward = ('_GramBackward', 'SiluBackward0')
    lcv_time = total['lcv_part'] + sum(
        total.get(f'autograd::engine::evaluate_function: {name}', 0) for name in backward
    )
    return lcv_time / total['whole_step']


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='*', default=DEFAULT, help=f'names of configs (default: {" ".join(DEFAULT)})')
    parser.add_argument('--device', default='cpu', choices=['cpu', 'cuda'])
    parser.add_argument('--precision', default='fp32', choices=['fp32', 'bf16'])
    parser.add_argument('--channels-last', action='store_true')
    parser.add_argument('--batch-size', type=int, default=2)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--json', type=Path, help='file for the figures')
    args = parser.parse_args()
    torch.manual_seed(0)
    batch = real_batch(Config.fromfile(CONFIGS / f'{args.configs[0]}.py'), args.batch_size)
    models = build_models(args.configs, args.device, args.channels_last)

    def forward(model: ImageClassifier) -> torch.Tensor:
        data = model.data_preprocessor(batch, training=True)
        with torch.autocast(args.device, dtype=torch.bfloat16, enabled=args.precision == 'bf16'):
            return model.parse_losses(model(**data, mode='loss'))[0]

    def step(model: ImageClassifier):
        def run() -> None:
            model.zero_grad()
            forward(model).backward()

        return run

    steps = {name: step(model) for name, model in models.items()}
    times = interleaved_times(steps, args.rounds, args.device)
    machine = torch.cuda.get_device_name() if args.device == 'cuda' else f'{platform.machine()} CPU'
    setting = f'{args.precision}, {"channels_last" if args.channels_last else "NCHW"}, batch {args.batch_size}'
    print(f'{machine}, {torch.get_num_threads()} threads, torch {torch.__version__}, {setting}, {args.rounds} rounds')
    figures: dict = {'machine': machine, 'setting': setting}
    for name, model in models.items():
        owned = [*model.parameters(), *model.buffers()]
        figures[name] = {
            'ms_per_image': statistics.median(times[name]) * 1e3 / args.batch_size,
            'times_gap': median_ratio(times, name, 'gap'),
            'saved_mb_per_image': saved_bytes(lambda model=model: forward(model), owned) / args.batch_size / 2**20,
            'peak_mb': peak_bytes(steps[name], args.device) / 2**20,
        }
        print(
            '{:24} {ms_per_image:8.1f} ms/image  {times_gap:.3f} of gap  saved {saved_mb_per_image:.1f} MB/image  '
            'peak {peak_mb:.0f} MB'.format(name, **figures[name])
        )
    if len(args.configs) > 1:
        ratio = median_ratio(times, args.configs[0], args.configs[1])
        print(f'{args.configs[0]} over {args.configs[1]}: {ratio:.3f}')
    if args.device == 'cpu' and isinstance(models[args.configs[0]], LCVClassifier):
        figures['lcv_share'] = lcv_share(models[args.configs[0]], steps[args.configs[0]])
        print(f"LCV's own part of {args.configs[0]}: {100 * figures['lcv_share']:.2f} % of the step")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1))


if __name__ == '__main__':
    main()
