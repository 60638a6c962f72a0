"""Effect of channels_last, mixed precision and torch.compile on a training step.

    python benchmarks/run_options.py [CONFIG] [--rounds 5] [--batch-size 2]

A step is the model's own `train_step` with SGD, on real JPEGs; all variants run in each round.
"""

import argparse
import statistics
from pathlib import Path

import torch
from measure import interleaved_times, median_ratio
from mmengine.config import Config
from mmpretrain.registry import MODELS, OPTIM_WRAPPERS
from torch.optim import SGD
from train_step import CONFIGS, real_batch

from lcv_mm.engine import CPUAmpOptimWrapper  # noqa: F401  (registers it)

# name -> wrapper on the CPU, wrapper on a GPU, channels_last, compile; `--amp` is 'mixed, channels_last' on a CPU
VARIANTS = {
    'float32': ('OptimWrapper', 'OptimWrapper', False, False),
    'float32, channels_last': ('OptimWrapper', 'OptimWrapper', True, False),
    'float32, compile': ('OptimWrapper', 'OptimWrapper', False, True),
    'mixed': ('CPUAmpOptimWrapper', 'AmpOptimWrapper', False, False),
    'mixed, channels_last': ('CPUAmpOptimWrapper', 'AmpOptimWrapper', True, False),
    'mixed, channels_last, compile': ('CPUAmpOptimWrapper', 'AmpOptimWrapper', True, True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', nargs='?', default='lcv_cbp_vgg16_cub448', help='name of a config')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--batch-size', type=int, default=2)
    args = parser.parse_args()
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    cfg = Config.fromfile(Path(CONFIGS) / f'{args.config}.py')
    cfg.model.backbone.init_cfg = None
    batch = real_batch(cfg, args.batch_size)

    steps = {}
    for name, (on_cpu, on_gpu, channels_last, compiled) in VARIANTS.items():
        model = MODELS.build(dict(cfg.model, data_preprocessor=cfg.data_preprocessor)).to(device).train()
        if channels_last:
            model.to(memory_format=torch.channels_last)
        optimizer = SGD(model.parameters(), lr=1e-5, momentum=0.9)
        wrapper = OPTIM_WRAPPERS.build(dict(type=on_gpu if device == 'cuda' else on_cpu, optimizer=optimizer))
        if compiled:
            model.backbone.compile()
        steps[name] = lambda model=model, wrapper=wrapper: model.train_step(batch, wrapper)

    times = interleaved_times(steps, args.rounds, device)
    print(
        f'{args.config}, batch {args.batch_size}, {device}, {torch.get_num_threads()} threads, '
        f'torch {torch.__version__}'
    )
    for name in steps:
        milliseconds = statistics.median(times[name]) * 1e3 / args.batch_size
        print(f'{name:32} {milliseconds:8.1f} ms/image  {median_ratio(times, "float32", name):.2f} times as fast')


if __name__ == '__main__':
    main()
