"""Read the logs of MMEngine's `LocalVisBackend` and draw learning curves."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from mmengine.config import Config

from ..errors import DataError

BLUE, INK = '#0a58a8', '#1b1f24'
STYLE: Any = {
    'text.parse_math': False,  # an option may contain `$`
    'svg.hashsalt': 'lcv_mm',  # equal records give equal files
    'font.size': 9,
    'axes.titlesize': 9,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'legend.frameon': False,
    'grid.alpha': 0.3,
}
Curve = list[tuple[int, float]]  # (epoch or iteration, value)
# Panels of the figure: logged value -> (its name in the legend, line style)
PANELS: dict[str, dict[str, tuple[str, Any]]] = {
    'training loss': {'loss_cls': ('classification', '-')},  # or 'loss', if a run logs no 'loss_cls'
    'pair losses': {
        'loss_inter': ('between classes (loss1)', '-'),
        'loss_intra': ('within classes (loss2)', '--'),
        'loss_metric': ('metric learning', ':'),
    },
    'accuracy (%)': {'accuracy/top1': ('validation', '-'), 'accuracy_top-1': ('training batches', ':')},
    'mean distance': {'dist_inter': ('between classes', '-'), 'dist_intra': ('within classes', '--')},
}


def read_scalars(work_dir: Path) -> Iterator[dict[str, Any]]:
    """Read the log of the latest run in a folder, over all its sessions.

    Each session has a folder with `vis_data/scalars.json`. A session that was not resumed, or that begins no later than
    the one before, is a new run.

    Yields:
        dict[str, Any]: The values of a logged iteration or evaluation, its 'step' and, for a run that counts in epochs,
        its 'epoch' (which is also the step of an evaluation), otherwise its 'iter'.
    """
    run: list[dict[str, Any]] = []
    by_epoch = True
    for file in sorted(work_dir.glob('*/vis_data/scalars.json')):
        records = _records(file)
        steps, before = [[record['step'] for record in part if _trains(record)] for part in (records, run)]
        cfg = Config()
        with suppress(Exception):  # a full disk or a kill may have truncated it
            cfg = Config.fromfile(file.with_name('config.py'), import_custom_modules=False)
        if steps and before and (cfg.get('resume') is False or steps[0] <= before[0]):
            run = []
        run += records
        by_epoch = 'max_iters' not in (cfg.get('train_cfg') or {})
    step = 0
    for record in run:
        if by_epoch:
            yield {'epoch': record['step'], **record}
            continue
        # the step of an evaluation may be the epoch, which is 0 here
        step = record['step'] if _trains(record) else max(step, record['step'])
        yield {key: value for key, value in record.items() if key != 'epoch'} | {'iter': step, 'step': step}


def _records(file: Path) -> list[dict[str, Any]]:
    records = []
    for line in file.read_text(errors='replace').splitlines():
        with suppress(ValueError):  # a killed run may leave a truncated line
            records.append(json.loads(line))
    return [record for record in records if isinstance(record, dict) and 'step' in record]


def _trains(record: dict[str, Any]) -> bool:
    return 'iter' in record or 'epoch' in record


def read_curves(work_dir: Path) -> dict[str, Curve]:
    """Read the curves of the latest run in a folder, by epoch, or by iteration if the run counts in iterations.

    Returns:
        dict[str, Curve]: For each logged value, its mean in each epoch. A step that was repeated after a resume counts
        once, as logged last. 'epoch' is one of the values if the run counts in epochs.

    Raises:
        DataError: If the folder has no log.
    """
    logged: dict[str, dict[int, tuple[int, float]]] = defaultdict(dict)  # name -> step -> (epoch, value)
    for record in read_scalars(work_dir):
        for name, value in record.items():
            logged[name][record['step']] = (record.get('epoch', record['step']), value)
    if not logged:
        raise DataError(f'{work_dir} holds no <time>/vis_data/scalars.json; expected the work dir of a training run')
    curves: dict[str, Curve] = {}
    for name, points in logged.items():
        by_epoch: dict[int, list[float]] = defaultdict(list)
        for epoch, value in points.values():
            by_epoch[epoch].append(value)
        curves[name] = [(epoch, float(np.mean(by_epoch[epoch]))) for epoch in sorted(by_epoch)]
    return curves


def mean_curve(runs: Sequence[Mapping[str, Curve]], name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Mean and sample standard deviation of a logged value over runs.

    Returns:
        tuple | None: the epochs that all runs with the value share, mean and deviation (0 for a single run), each (E,);
        None if no run has the value or they share no epoch.
    """
    curves = [dict(run[name]) for run in runs if name in run]
    epochs = sorted(set.intersection(*(set(curve) for curve in curves))) if curves else []
    if not epochs:
        return None
    values = np.array([[curve[epoch] for epoch in epochs] for curve in curves])  # (runs, E)
    spread = values.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(len(epochs))
    return np.array(epochs), values.mean(axis=0), spread


def draw_curves(arms: Mapping[str, Sequence[Mapping[str, Curve]]]) -> Figure:
    """Draw losses, pair losses, accuracies and mean distances, each in its own panel if any run has logged it.

    `arms` has the runs of each label, from `read_curves`. Several runs are drawn as their mean, with a band of one
    standard deviation around solid and dashed lines.
    """
    arms = {
        label: [{'loss_cls': run['loss'], **run} if 'loss' in run else run for run in arms[label]] for label in arms
    }
    names = {name for runs in arms.values() for run in runs for name in run}
    panels = [panel for panel, styles in PANELS.items() if names & {*styles}]
    columns, rows = min(len(panels), 2), max((len(panels) + 1) // 2, 1)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.6 * max(columns, 1), 3.1 * rows + 0.22 * len(arms)), layout='constrained')
        handles = [Line2D([], [], color=f'C{number}', label=label) for number, label in enumerate(arms)]
        for number, panel in enumerate(panels, 1):
            axes = figure.add_subplot(rows, columns, number, ylabel=panel)
            axes.set_xlabel('epoch' if 'epoch' in names else 'iteration')
            for name, (_, style) in PANELS[panel].items():
                for handle, runs in zip(handles, arms.values(), strict=True):
                    if curve := mean_curve(runs, name):
                        epochs, mean, spread = curve
                        marker = '.' if len(epochs) == 1 else ''  # a single point draws no line
                        axes.plot(epochs, mean, style, color=handle.get_color(), linewidth=1.5, marker=marker)
                        if spread.any() and style != ':':
                            low, high = mean - spread, mean + spread
                            axes.fill_between(epochs, low, high, color=handle.get_color(), alpha=0.15, linewidth=0)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid()
            styles = [
                Line2D([], [], color=INK, linestyle=style, label=text)
                for name, (text, style) in PANELS[panel].items()
                if name in names
            ]
            axes.legend(handles=styles)
        figure.legend(handles=handles, loc='outside lower center')
    return figure
