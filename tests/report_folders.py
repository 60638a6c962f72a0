"""Record folders as tools/reproduce.py leaves them, for the tests of the report."""

import json
from pathlib import Path
from typing import Any

from lcv_mm.reproduce.record import Record, write_record

REAL = dict(data='real', dataset='CUB', images={'train': 5994, 'test': 5794})
DRAWN = dict(data='generated', dataset='Birdlets', images={'train': 800, 'test': 400})
OTHER = dict(data='other', dataset='CUB', images={'train': 24, 'test': 12})


def add_run(work_dir: Path, config: str, seed: int, top1: float, **settings: Any) -> Path:
    """Write the record of a finished run, of a real row as it stands if `settings` say nothing else."""
    values = {
        **REAL,
        **dict(status='finished', options={}, amp=False, metrics={'accuracy/top1': top1}, seconds=90.0 + 60 * seed),
        **dict(sessions=1, test_seconds=4.0, peak_memory={'cpu': 2**30}, machine={'cpu': 'Slow CPU', 'cores': 2}),
        **dict(versions={'Python': '3.11', 'PyTorch': '2.8.0'}, git={'commit': 'c0ffee', 'changed': False}),
        **settings,
    }
    folder = work_dir / config / f'seed_{seed}'
    write_record(folder, Record(config=config, seed=seed, **values))
    return folder


def add_failure(work_dir: Path, config: str, seed: int, error: str) -> Path:
    """Write the record of a run that ended with an error."""
    return add_run(work_dir, config, seed, 0, status='failed', metrics={}, error=error)


def add_logs(folder: Path, accuracies: list[float], inter: float = 1.2, intra: float = 0.8) -> None:
    """Write `scalars.json` with an evaluation after each epoch, and two training steps in each."""
    lines: list[dict[str, float]] = []
    for epoch, accuracy in enumerate(accuracies, 1):
        lines += [
            dict(
                epoch=epoch, step=2 * epoch - 1 + step, dist_inter=inter + 0.01 * epoch, dist_intra=intra - 0.01 * epoch
            )
            for step in (0, 1)
        ]
        lines.append({'accuracy/top1': accuracy, 'step': epoch})
    file = folder / '20260101_000000' / 'vis_data' / 'scalars.json'
    file.parent.mkdir(parents=True)
    file.write_text('\n'.join(map(json.dumps, lines)))


def add_everything(work_dir: Path) -> None:
    """One run at least for every section of the report."""
    for seed, (lcv, baseline) in enumerate([(75.0, 72.0), (76.5, 72.2), (74.8, 71.1)]):
        add_logs(add_run(work_dir, 'lcv_bcnn_vgg16_cub448', seed, lcv), [50 + seed, 70 + seed, lcv])
        add_logs(add_run(work_dir, 'bcnn_vgg16_cub448', seed, baseline), [40 + seed, 65 + seed, baseline])
    add_run(work_dir, 'cbp_vgg16_cub448', 0, 71.25, amp=True)
    add_run(work_dir, 'hbp_resnet18_cub448', 0, 66.66, options={'train_cfg.max_epochs': '10'})
    add_run(work_dir, 'hbp_vgg16_cub448', 0, 33.33, **OTHER)
    drawn = {
        'bcnn_resnet18_birdlets64': [60.25, 61.5, 63.75],
        'lcv_bcnn_resnet18_birdlets64': [62.5, 61.25, 66.0],
        'cbp_resnet18_birdlets64': [70.5, 71.75],
        'lcv_cbp_resnet18_birdlets64': [69.5, 70.25],
        'cbp_resnet18_birdlets64_attention': [70.75],
        'lcv_cbp_resnet18_birdlets64_literal': [55.0, 58.5],  # of the longest question
    }
    for config, accuracies in drawn.items():
        for seed, top1 in enumerate(accuracies):
            add_logs(add_run(work_dir, config, seed, top1, **DRAWN), [20 + seed, 50 + seed, top1])
    add_failure(work_dir, 'lcv_hbp_resnet18_cub448', 1, 'RuntimeError: <script>alert("out | of memory")</script>\nat 3')
