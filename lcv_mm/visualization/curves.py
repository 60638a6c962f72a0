"""Learning curves of a run."""

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

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


def read_curves(work_dir: Path) -> dict[str, Curve]:
    """Read what MMEngine's `LocalVisBackend` logged, over all sittings of a run.

    Args:
        work_dir (Path): folder of the run; each sitting has a folder in it with `vis_data/scalars.json`.

    Returns:
        dict[str, Curve]: for each logged value its mean over each epoch; a step that was run again after a resume
        counts once, as logged last.

    Raises:
        FileNotFoundError: If nothing was logged there.
    """
    files = sorted(work_dir.glob('*/vis_data/scalars.json'))
    if not files:
        raise FileNotFoundError(
            f'{work_dir} holds no <time>/vis_data/scalars.json; give the work dir of a run of tools/train.py'
        )
    logged: dict[str, dict[int, tuple[int, float]]] = defaultdict(dict)  # name -> step -> (epoch, value)
    for file in files:
        for line in file.read_text().splitlines():
            record = json.loads(line)
            epoch = record.get('epoch', record['step'])  # an evaluation counts its steps in epochs
            for name, value in record.items():
                logged[name][record['step']] = (epoch, value)
    curves: dict[str, Curve] = {}
    for name, points in logged.items():
        by_epoch: dict[int, list[float]] = defaultdict(list)
        for epoch, value in points.values():
            by_epoch[epoch].append(value)
        curves[name] = [(epoch, float(np.mean(by_epoch[epoch]))) for epoch in sorted(by_epoch)]
    return curves


def draw_curves(curves: dict[str, Curve], title: str) -> Figure:
    """Draw the losses, the accuracies and the mean distances over the epochs.

    Args:
        curves (dict[str, Curve]): from `read_curves`. A panel with no curve is left out.
        title (str): title of the figure.

    Returns:
        Figure: one panel a kind of value.
    """
    panels = {panel: [name for name in names if name in curves] for panel, names in PANELS.items()}
    panels = {panel: names for panel, names in panels.items() if names}
    figure = Figure(figsize=(5 * len(panels), 3.8), layout='constrained')
    figure.suptitle(title)
    for axes, (panel, names) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for name in names:
            epochs, values = zip(*curves[name], strict=True)
            axes.plot(epochs, values, marker='.', label=PANELS[panel][name])
        axes.set(xlabel='epoch', ylabel=panel)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
