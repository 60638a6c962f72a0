"""The plots of the report, drawn in dark ink on nothing: the page inverts them where it is dark."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import suppress

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...errors import DataError
from ...visualization import BLUE, INK, STYLE, Curve, address, read_curves
from .render import Plot
from .run_groups import RunGroup, baseline_name

BASELINE, LCV = '#b04a00', BLUE
LABEL = 50  # characters of a label on one line of `draw_differences`
# kind of plot -> what it shows; and its logged values with their names, and their dashes with LCV and without
KINDS = {
    'top-1 on test images (%)': {'accuracy/top1': ('', '-', '--')},
    'mean distance in a batch': {'dist_inter': (', between', '-', '--'), 'dist_intra': (', within', '-.', ':')},
}

Curves = Sequence[Mapping[str, Curve]]  # of the runs of a group: logged name -> curve


def draw_differences(differences: Sequence[tuple[str, float, tuple[float, float] | None]], quantity: str) -> Figure:
    """Differences, (label, mean, 95 % interval or None), one per line; a dot is filled if the interval excludes 0."""
    labels = [textwrap.fill(label, LABEL) for label, *_ in differences]
    lines = 1 + sum(label.count('\n') + 1.6 for label in labels)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 0.7 + 0.14 * lines), layout='constrained')
        axes = figure.add_subplot(xlabel=f'difference of {quantity} (points)')
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.tick_params(axis='y', length=0)
        axes.spines['left'].set_visible(False)
        axes.grid(axis='x')
        axes.axvline(0, color=INK, linewidth=1, linestyle='--')
        for line, (_, mean, interval) in enumerate(differences):
            low, high = interval or (-math.inf, math.inf)
            if interval:
                axes.plot([low, high], [line, line], color=LCV, linewidth=1.5, marker='|')
            face = 'none' if low <= 0 <= high else LCV
            axes.plot(mean, line, marker='o', markerfacecolor=face, markeredgecolor=LCV)
    return figure


def mean_curve(runs: Curves, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Epochs that all runs with a logged value share, its mean and sample standard deviation at each, (E,).

    The deviation of a single run is 0. None if no run has the value, or they share no epoch.
    """
    curves = [dict(run[name]) for run in runs if name in run]
    epochs = sorted(set.intersection(*(set(curve) for curve in curves))) if curves else []
    if not epochs:
        return None
    values = np.array([[curve[epoch] for epoch in epochs] for curve in curves])  # (seeds, E)
    spread = values.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(len(epochs))
    return np.array(epochs), values.mean(axis=0), spread


def draw_training(title: str, lcv: Curves, baseline: Curves, quantity: str) -> Figure | None:
    """One of KINDS over the epochs, LCV against its baseline; None if neither has logged it."""
    sides = ('LCV', lcv, LCV), ('baseline', baseline, BASELINE)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.6, 2.9), layout='constrained')
        axes = figure.add_subplot(title=title, xlabel='epoch', ylabel=quantity)
        for name, (what, *dashes) in KINDS[quantity].items():
            for (side, runs, colour), line in zip(sides, dashes, strict=True):
                if curve := mean_curve(runs, name):
                    epochs, mean, spread = curve
                    # a single epoch is not a line: a point shows it
                    marker = '.' if len(epochs) == 1 else None
                    axes.plot(epochs, mean, line, color=colour, linewidth=1.8, marker=marker, label=side + what)
                    axes.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.18, linewidth=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid()
        if axes.lines:
            figure.legend(loc='outside lower center', ncols=2)
    return figure if axes.lines else None


def training_plots(groups: Sequence[RunGroup]) -> list[Plot]:
    """Learning curves and mean distances of each LCV config beside its baseline, where both were run and logged."""
    pairs = [
        (titled(other.config, group, groups), _curves(group), _curves(other))
        for group in groups
        if (other := group.counterpart(baseline_name(group.config), groups))
    ]
    plots = []
    for quantity in KINDS:
        caption = f'Over the epochs: {quantity}. Mean over the seeds, in a band of one standard deviation.'
        drawn = [(title, draw_training(title, lcv, baseline, quantity)) for title, lcv, baseline in pairs]
        pictures = [(f'{title}, LCV and its baseline. {caption}', address(figure)) for title, figure in drawn if figure]
        plots += [Plot(caption, pictures)] if pictures else []
    return plots


def titled(text: str, group: RunGroup, groups: Sequence[RunGroup]) -> str:
    """A text in a plot, with the setting of its group after it where these groups differ in it."""
    differ = len({other.setting.label for other in groups}) > 1
    return f'{text}, {group.setting.label}' if differ and group.setting.label else text


def _curves(group: RunGroup) -> Curves:
    """The curves of the runs that have readable logs; the others still have their results."""
    curves = []
    for run in group.runs.values():
        with suppress(DataError):
            curves.append(read_curves(run.folder))
    return curves
