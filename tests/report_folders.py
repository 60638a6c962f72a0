"""Record folders as the tools leave them, for the tests of the report."""

import json
from pathlib import Path
from typing import Any

from lcv_mm.reproduce.record import Record, write_record

COMPLETE = dict(dataset='CUB200', images={'train': 5994, 'test': 5794})
DRAWN = dict(dataset='Birdlets', images={'train': 800, 'test': 400})


def add_run(work_dir: Path, config: str, seed: int, top1: float, **settings: Any) -> Path:
    """Write the record of a finished run, of a row of the paper as it stands unless `settings` change it."""
    values = {
        **COMPLETE,
        **dict(status='finished', options={}, amp=False, metrics={'accuracy/top1': top1}, seconds=90.0 + 60 * seed),
        **dict(peak_memory={'cpu': 2**30}, machine={'cpu': 'Slow CPU', 'cores': 2}),
        **dict(versions={'Python': '3.11', 'torch': '2.8.0'}, git={'commit': 'c0ffee', 'changed': False}),
        **settings,
    }
    folder = work_dir / config / f'seed_{seed}'
    write_record(folder, Record(config=config, seed=seed, **values))
    return folder


def add_runs(work_dir: Path, begun: dict[str, str] | None = None, /, settings=(), **accuracies: list[float]) -> None:
    """Add runs of configs with seeds 0, 1, ...; `begun` is what their folders were begun with."""
    for config, values in accuracies.items():
        for seed, top1 in enumerate(values):
            folder = add_run(work_dir, config, seed, top1, **dict(settings))
            if begun:
                (folder / 'settings.json').write_text(json.dumps(begun))


def add_log(folder: Path, accuracies: list[float]) -> None:
    """Write a log with an evaluation after each epoch, and a training step in each."""
    lines: list[dict[str, float]] = []
    for epoch, accuracy in enumerate(accuracies, 1):
        lines += [dict(epoch=epoch, step=epoch, loss=1.0 / epoch), {'accuracy/top1': accuracy, 'step': epoch}]
    file = folder / '20260101_000000/vis_data/scalars.json'
    file.parent.mkdir(parents=True)
    file.write_text('\n'.join(map(json.dumps, lines)))
