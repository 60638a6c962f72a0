"""Time and memory of the pooling heads and the loss against the literature's formulations.

    python benchmarks/kernels.py [--device cuda] [--rounds 7] [--json FILE]

Forward and backward in float32, 512 channels (iSQRT-COV: 256), 8 images (loss: 16), features about 60 % zeros, as after
a ReLU.
"""

import argparse
import json
import platform
from collections.abc import Callable
from pathlib import Path

import torch
from baselines import covariance_root_by_loop, loop_over_pairs, plain_bilinear, tensor_sketch_by_fft, three_convolutions
from measure import interleaved_times, median_ratio, peak_bytes, saved_bytes
from torch import Tensor

from lcv_mm.models import CBPHead, HBPHead
from lcv_mm.ops import (
    bilinear_pool,
    class_variance,
    covariance_pool,
    hierarchical_bilinear_pool,
    matrix_sqrt,
    normalized_signed_sqrt,
    tensor_sketch_pool,
    upper_triangle,
)

CHANNELS, DIM = 512, 8192
MEGABYTE = 2**20


def features(images: int, side: int, device: str) -> Tensor:
    """Random maps (N, 512, side, side), 60 % zeros."""
    x = torch.randn(images, CHANNELS, side, side, device=device)
    return (x - 0.25).relu().requires_grad_()


def isqrt(side: int, images: int, device: str) -> tuple[dict[str, Callable[[], Tensor]], list[Tensor]]:
    x = features(images, side, device)[:, :256].detach().clone().requires_grad_()  # of the head's 1x1 convolution
    ours, theirs = (lambda: upper_triangle(matrix_sqrt(covariance_pool(x)))), (lambda: covariance_root_by_loop(x))
    return {'ours': ours, 'baseline': theirs}, [x]


def cbp(side: int, images: int, device: str) -> tuple[dict[str, Callable[[], Tensor]], list[Tensor]]:
    x = features(images, side, device)
    pool = CBPHead(10, CHANNELS, DIM).to(device).pool
    hashes = (pool.h1, pool.s1, pool.h2, pool.s2)
    ours, theirs = (lambda: tensor_sketch_pool(x, *hashes, DIM)), (lambda: tensor_sketch_by_fft(x, *hashes, DIM))
    return {'ours': ours, 'baseline': theirs}, [x, *hashes]


def hbp(side: int, images: int, device: str) -> tuple[dict[str, Callable[[], Tensor]], list[Tensor]]:
    levels = [features(images, side, device) for _ in range(3)]
    head = HBPHead(10, CHANNELS, DIM).to(device)
    weights = [conv.weight.detach().flatten(1).requires_grad_() for conv in head.projections]
    biases = [conv.bias.detach().requires_grad_() for conv in head.projections]
    args = (levels, weights, biases)
    forms = {'ours': lambda: hierarchical_bilinear_pool(*args), 'baseline': lambda: three_convolutions(*args)}
    return forms, [*levels, *weights, *biases]


def bcnn(side: int, images: int, device: str) -> tuple[dict[str, Callable[[], Tensor]], list[Tensor]]:
    x = features(images, side, device)
    return {'ours': lambda: normalized_signed_sqrt(bilinear_pool(x)), 'baseline': lambda: plain_bilinear(x)}, [x]


def loss(side: int, images: int, device: str) -> tuple[dict[str, Callable[[], Tensor]], list[Tensor]]:
    x = features(images, side, device)
    labels = torch.arange(images, device=device) // 2
    ours, theirs = (lambda: sum(class_variance(x.flatten(1), labels))), (lambda: loop_over_pairs(x, labels))
    return {'ours': ours, 'baseline': theirs}, [x]


# part, positions per side, images, what the baseline is
CASES = [
    (cbp, 14, 8, 'FFT per position, summed in frequency'),
    (cbp, 28, 8, 'FFT per position, summed in frequency'),
    (hbp, 14, 8, 'three convolutions'),
    (hbp, 28, 8, 'three convolutions'),
    (bcnn, 14, 8, 'bmm, root, norm'),
    (bcnn, 28, 8, 'bmm, root, norm'),
    (isqrt, 14, 8, "the authors' five iterations"),
    (isqrt, 28, 8, "the authors' five iterations"),
    (loss, 28, 16, 'loop over pairs'),
]


def run(part, side: int, images: int, baseline: str, rounds: int, device: str) -> dict:
    """One row of the table."""
    torch.manual_seed(0)
    forms, owned = part(side, images, device)
    learned = [t for t in owned if t.requires_grad]

    def step(form: Callable[[], Tensor]) -> Callable[[], object]:
        weight = torch.randn_like(form())
        return lambda: torch.autograd.grad(form(), learned, weight)

    steps = {name: step(form) for name, form in forms.items()}
    times = interleaved_times(steps, rounds, device)
    row = {'part': part.__name__, 'positions': f'{side}x{side}', 'images': images, 'baseline': baseline}
    for name in forms:
        row[f'{name}_ms_per_image'] = sorted(times[name])[rounds // 2] * 1e3 / images
        row[f'{name}_saved_mb_per_image'] = saved_bytes(forms[name], owned) / images / MEGABYTE
        row[f'{name}_peak_mb'] = peak_bytes(steps[name], device) / MEGABYTE
    row['times_faster'] = median_ratio(times, 'baseline', 'ours')
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--device', default='cpu', choices=['cpu', 'cuda'])
    parser.add_argument('--rounds', type=int, default=7, help='timed rounds of each case (default: 7)')
    parser.add_argument('--only', nargs='+', metavar='PART', help='cbp, hbp, bcnn, isqrt or loss (default: all)')
    parser.add_argument('--json', type=Path, help='file for the rows')
    args = parser.parse_args()
    machine = torch.cuda.get_device_name() if args.device == 'cuda' else f'{platform.machine()} CPU'
    print(f'{machine}, {torch.get_num_threads()} threads, torch {torch.__version__}, median of {args.rounds} rounds')
    print('part size | ms/image ours baseline | times faster | saved MB/image ours baseline | peak MB ours baseline')
    rows = []
    for case in CASES:
        if args.only and case[0].__name__ not in args.only:
            continue
        row = run(*case, args.rounds, args.device)
        rows.append(row)
        print(
            f'{row["part"]:5}{row["positions"]} | '
            f'{row["ours_ms_per_image"]:8.2f} {row["baseline_ms_per_image"]:8.2f} | '
            f'{row["times_faster"]:6.2f} | {row["ours_saved_mb_per_image"]:7.2f} '
            f'{row["baseline_saved_mb_per_image"]:7.2f} | {row["ours_peak_mb"]:7.0f} {row["baseline_peak_mb"]:7.0f}',
            flush=True,
        )
    if args.json:
        args.json.write_text(json.dumps({'machine': machine, 'torch': torch.__version__, 'rows': rows}, indent=1))


if __name__ == '__main__':
    main()
