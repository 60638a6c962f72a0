"""Curves over the epochs, LCV against its baseline: the mean over the seeds, in a band of one standard deviation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...visualization.curves import Curve
from .svg import BASELINE, LCV, STYLE

CurvesOfRun = Mapping[str, Curve]  # logged name -> curve


@dataclass(frozen=True)
class CurvePair:
    """The curves of the runs of a config with LCV, and of those of its baseline."""

    title: str
    lcv: Sequence[CurvesOfRun]
    baseline: Sequence[CurvesOfRun]

    def has(self, names: Sequence[str]) -> bool:
        """Whether one run at least logged one of these values."""
        return any(name in run for run in (*self.lcv, *self.baseline) for name in names)


def mean_curve(runs: Sequence[CurvesOfRun], name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Mean and sample standard deviation over the runs that logged a value.

    Args:
        runs (Sequence[CurvesOfRun]): The curves of each seed.
        name (str): The logged value.

    Returns:
        tuple[np.ndarray, np.ndarray, np.ndarray] | None: Epochs that all of these runs have, mean and deviation at
        each, (E,); the deviation of a single run is 0. None if no run has it, or they share no epoch.
    """
    curves = [dict(run[name]) for run in runs if name in run]
    epochs = sorted(set.intersection(*(set(curve) for curve in curves))) if curves else []
    if not epochs:
        return None
    values = np.array([[curve[epoch] for epoch in epochs] for curve in curves])  # (runs, E)
    spread = values.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(len(epochs))
    return np.array(epochs), values.mean(axis=0), spread


def draw_accuracy(pair: CurvePair) -> Figure:
    """Test accuracy over the epochs."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _panel(pair.title, 'top-1 on test images (%)')
        _draw(axes, pair.baseline, 'accuracy/top1', BASELINE, (0, (4, 2)), 'baseline')
        _draw(axes, pair.lcv, 'accuracy/top1', LCV, 'solid', 'LCV')
        figure.legend(loc='outside lower center', ncols=2)
    return figure


def draw_distances(pair: CurvePair) -> Figure:
    """Mean distances between and within classes over the epochs."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _panel(pair.title, 'mean distance in a batch')
        _draw(axes, pair.baseline, 'dist_inter', BASELINE, (0, (4, 2)), 'baseline, between')
        _draw(axes, pair.baseline, 'dist_intra', BASELINE, (0, (1, 2)), 'baseline, within')
        _draw(axes, pair.lcv, 'dist_inter', LCV, 'solid', 'LCV, between')
        _draw(axes, pair.lcv, 'dist_intra', LCV, (0, (6, 2, 1, 2)), 'LCV, within')
        figure.legend(loc='outside lower center', ncols=2)
    return figure


def _panel(title: str, quantity: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(3.6, 2.9), layout='constrained')
    axes = figure.add_subplot()
    axes.set(title=title, xlabel='epoch', ylabel=quantity)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid()
    return figure, axes


def _draw(axes: Axes, runs: Sequence[CurvesOfRun], name: str, colour: str, dashes: object, label: str) -> None:
    curve = mean_curve(runs, name)
    if curve is None:
        return
    epochs, mean, spread = curve
    # a single epoch is no line: a point shows it
    marker = '.' if len(epochs) == 1 else None
    axes.plot(epochs, mean, color=colour, linestyle=dashes, linewidth=1.8, marker=marker, label=label)
    axes.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.18, linewidth=0)
