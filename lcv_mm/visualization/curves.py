"""What MMEngine's `LocalVisBackend` has logged of a run, and its learning curves."""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..errors import DataError

Curve = list[tuple[int, float]]  # (epoch or iteration, value)
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
    """Read the log of the latest run in a folder, one record for each iteration or evaluation, over all its sessions.

    Each session has a folder with `vis_data/scalars.json`. One that is not resumed, or that begins no later than the
    one before, is another run. A run that is killed may leave a line that is cut off, and one that is under way may be
    writing it: such lines are passed over.

    Yields:
        dict[str, Any]: A record with its 'step' and values, and its 'epoch', if the run counts in epochs (then an
        evaluation counts its steps in them), or else its 'iter'.
    """
    run: list[dict[str, Any]] = []
    for file in sorted(work_dir.glob('*/vis_data/scalars.json')):
        records = _records(file)
        steps, before = [[record['step'] for record in part if _trains(record)] for part in (records, run)]
        config = file.with_name('config.py')
        anew = config.is_file() and '\nresume = False\n' in config.read_text(errors='replace')
        if steps and before and (anew or steps[0] <= before[0]):
            run = []
        run += records
    epochs: list[Any] = [record.get('epoch') for record in run if _trains(record)]
    evaluated = [record['step'] for record in run if not _trains(record)]
    by_epoch = None not in epochs and not (epochs and evaluated and (0 in evaluated or max(evaluated) > max(epochs)))
    step = 0
    for record in run:
        if by_epoch:
            yield {'epoch': record['step'], **record}
            continue
        # MMEngine gives an evaluation the epoch, which is 0, unless told otherwise
        step = record['step'] if _trains(record) else max(step, record['step'])
        yield {key: value for key, value in record.items() if key != 'epoch'} | {'iter': step, 'step': step}


def _records(file: Path) -> list[dict[str, Any]]:
    records = []
    for line in file.read_text(errors='replace').splitlines():
        with suppress(ValueError):
            records.append(json.loads(line))
    return [record for record in records if isinstance(record, dict) and 'step' in record]


def _trains(record: dict[str, Any]) -> bool:
    return 'iter' in record or 'epoch' in record


def last_epoch(work_dir: Path) -> int:
    """The epoch that a run is in, from 1; 0 if it has logged nothing."""
    return max((record.get('epoch', 0) for record in read_scalars(work_dir)), default=0)


def read_curves(work_dir: Path) -> dict[str, Curve]:
    """Read the logged values of the latest run in a folder by epoch, or by iteration if it counts in these.

    Returns:
        dict[str, Curve]: For each logged value its mean over each epoch; a step that was run again after a resume
        counts once, as logged last. 'epoch' is among them if that is what is counted.

    Raises:
        DataError: If nothing was logged there.
    """
    logged: dict[str, dict[int, tuple[int, float]]] = defaultdict(dict)  # name -> step -> (epoch, value)
    for record in read_scalars(work_dir):
        for name, value in record.items():
            logged[name][record['step']] = (record.get('epoch', record['step']), value)
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
        axes.set(xlabel='epoch' if 'epoch' in curves else 'iteration', ylabel=panel)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
