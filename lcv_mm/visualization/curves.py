"""What MMEngine's `LocalVisBackend` has logged of a run, and its learning curves."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..errors import DataError

Curve = list[tuple[int, float]]  # (epoch, value)
# Panels of the picture, the logged values each holds, and what they are called there.
PANELS = {
    'loss': {
        'loss': 'total',
        'loss_cls': 'classification (loss0)',
        'loss_inter': 'between classes (loss1)',
        'loss_intra': 'within classes (loss2)',
    },
    'accuracy (%)': {'accuracy_top-1': 'training batches', 'accuracy/top1': 'test images'},
    'mean distance': {'dist_inter': 'between classes', 'dist_intra': 'within classes'},
}


def read_scalars(work_dir: Path) -> Iterator[dict[str, Any]]:
    """Read a run's log, one record for each iteration or evaluation logged, over all of its sessions.

    Each session has a folder in the run's with `vis_data/scalars.json`. A run that is killed may leave a line that is
    cut off, and one that is under way may be writing it: such lines are passed over.

    Yields:
        dict[str, Any]: A record with its 'step', its 'epoch' (an evaluation counts its steps in epochs), and values.
    """
    for file in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in file.read_text(errors='replace').splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and 'step' in record:
                yield {'epoch': record['step'], **record}


def last_epoch(work_dir: Path) -> int:
    """The epoch that a run is in, from 1; 0 if it has logged nothing."""
    return max((record['epoch'] for record in read_scalars(work_dir)), default=0)


def read_curves(work_dir: Path) -> dict[str, Curve]:
    """Read the logged values in a run's folder by epoch.

    Returns:
        dict[str, Curve]: For each logged value its mean over each epoch; a step that was run again after a resume
        counts once, as logged last.

    Raises:
        DataError: If nothing was logged there.
    """
    logged: dict[str, dict[int, tuple[int, float]]] = defaultdict(dict)  # name -> step -> (epoch, value)
    for record in read_scalars(work_dir):
        for name, value in record.items():
            logged[name][record['step']] = (record['epoch'], value)
    if not logged:
        raise DataError(
            f'{work_dir} holds no <time>/vis_data/scalars.json with a value in it; expected the work dir of a run of '
            'tools/train.py that has logged some: give that'
        )
    curves: dict[str, Curve] = {}
    for name, points in logged.items():
        by_epoch: dict[int, list[float]] = defaultdict(list)
        for epoch, value in points.values():
            by_epoch[epoch].append(value)
        curves[name] = [(epoch, float(np.mean(by_epoch[epoch]))) for epoch in sorted(by_epoch)]
    return curves


def draw_curves(curves: dict[str, Curve], title: str) -> Figure:
    """Draw the losses, the accuracies and the mean distances from `read_curves`, each that there are in a panel."""
    panels = {panel: [name for name in names if name in curves] for panel, names in PANELS.items()}
    panels = {panel: names for panel, names in panels.items() if names}
    figure = Figure(figsize=(5 * max(len(panels), 1), 3.8), layout='constrained')
    figure.suptitle(title)
    for place, (panel, names) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(1, len(panels), place)
        for name in names:
            epochs, values = zip(*curves[name], strict=True)
            axes.plot(epochs, values, marker='.', label=PANELS[panel][name])
        axes.set(xlabel='epoch', ylabel=panel)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
