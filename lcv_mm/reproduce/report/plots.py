"""The plots of the report, drawn in dark ink on nothing: the page inverts them where it is dark."""

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...errors import DataError
from ...visualization import Curve, read_curves
from .render import Picture, Plot
from .run_groups import RunGroup, baseline_name

BASELINE, LCV, INK = '#b04a00', '#0a58a8', '#1b1f24'
STYLE: Any = {
    'text.parse_math': False,  # a `$` in an option is a `$`
    'svg.hashsalt': 'lcv_mm',  # with no date: the same records give the same page
    'font.size': 9,
    'axes.titlesize': 9,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'legend.frameon': False,
    'grid.alpha': 0.3,
}
LABEL = 50  # characters of a label on one line of `draw_rows`
# kind of plot -> what it shows; and its logged values with their names, and their dashes with LCV and without
KINDS = {
    'top-1 on test images (%)': {'accuracy/top1': ('', '-', '--')},
    'mean distance in a batch': {'dist_inter': (', between', '-', '--'), 'dist_intra': (', within', '-.', ':')},
}

Curves = Sequence[Mapping[str, Curve]]  # of the runs of a group: logged name -> curve


@dataclass(frozen=True)
class Point:
    """A line of `draw_rows`: a mean and its bar, each of which may be absent, and the paper's number, if any."""

    label: str
    mean: float | None
    bar: tuple[float, float] | None
    colour: str = LCV
    paper: float | None = None


def draw_rows(points: Sequence[Point], quantity: str) -> Figure:
    """Means with their bars, one per line under its label; of differences, a dot is filled if its bar excludes 0."""
    labels = [textwrap.fill(point.label, LABEL) for point in points]
    lines = 1 + max(label.count('\n') for label in labels)
    differences = all(point.paper is None for point in points)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.7, 0.9 + (0.22 + 0.14 * lines) * len(points)), layout='constrained')
        axes = figure.add_subplot(xlabel=quantity, yticks=[])
        axes.spines['left'].set_visible(False)
        axes.grid(axis='x')
        if differences:
            axes.axvline(0, color=INK, linewidth=1, linestyle='--')
        for place, point in enumerate(points):
            if point.bar:
                axes.plot(point.bar, [place, place], color=point.colour, linewidth=1.5, marker='|')
            if point.mean is not None:
                open_ = differences and (point.bar is None or point.bar[0] <= 0 <= point.bar[1])
                face = 'none' if open_ else point.colour
                axes.plot(point.mean, place, marker='o', markerfacecolor=face, markeredgecolor=point.colour)
            if point.paper is not None:
                axes.plot(point.paper, place, marker='D', markerfacecolor='none', markeredgecolor=INK)
            # x of the axes, y of the data; outside of the layout, which would shrink the plot for a long label
            axes.text(0, place - 0.28, labels[place], transform=axes.get_yaxis_transform(), va='bottom').set_in_layout(
                False
            )
        axes.set_ylim(len(points) - 0.5, -0.65 - 0.15 * lines)
    return figure


def mean_curve(runs: Curves, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Mean and sample standard deviation over the runs that logged a value.

    Args:
        runs (Curves): The curves of each seed.
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


def draw_training(title: str, lcv: Curves, baseline: Curves, quantity: str) -> Figure | None:
    """One of KINDS over the epochs, LCV against its baseline; None if neither has logged it."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.6, 2.9), layout='constrained')
        axes = figure.add_subplot(title=title, xlabel='epoch', ylabel=quantity)
        for name, (what, *dashes) in KINDS[quantity].items():
            sides = (('LCV', lcv, LCV), ('baseline', baseline, BASELINE))
            for (side, runs, colour), line in zip(sides, dashes, strict=True):
                if (curve := mean_curve(runs, name)) is not None:
                    epochs, mean, spread = curve
                    # a single epoch is not a line: a point shows it
                    marker = '.' if len(epochs) == 1 else None
                    axes.plot(epochs, mean, line, color=colour, linewidth=1.8, marker=marker, label=side + what)
                    axes.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.18, linewidth=0)
        if not axes.lines:
            return None
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid()
        figure.legend(loc='outside lower center', ncols=2)
    return figure


def picture(figure: Figure, shows: str) -> Picture:
    """A figure as the page holds it; `shows` is for those who can't see it."""
    stream = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(stream, format='svg', transparent=True, metadata={'Date': None})
    return Picture(stream.getvalue(), shows)


def training_plots(groups: Sequence[RunGroup]) -> list[Plot]:
    """Learning curves and mean distances of each LCV config beside its baseline, where both were run and logged."""
    missing: list[str] = []
    pairs = []
    for group in groups:
        name = baseline_name(group.config)
        baseline = group.counterpart(name, groups) if name else None
        if name and baseline:
            title = titled(name, group, groups)
            pairs.append((title, _curves(group, missing), _curves(baseline, missing)))
    unread = f' No readable logs, and so not drawn: {", ".join(missing)}.' if missing else ''
    plots = []
    for quantity in KINDS:
        caption = f'Over the epochs: {quantity}. Mean over the seeds, in a band of one standard deviation.'
        drawn = [(title, draw_training(title, lcv, baseline, quantity)) for title, lcv, baseline in pairs]
        pictures = [picture(figure, f'{title}, LCV and its baseline. {caption}') for title, figure in drawn if figure]
        if pictures:
            plots.append(Plot(tuple(pictures), caption + unread))
    return plots


def titled(text: str, group: RunGroup, groups: Sequence[RunGroup]) -> str:
    """A text in a plot, with the setting of its group after it where these groups differ in it."""
    differ = len({other.setting.label for other in groups}) > 1
    return f'{text}, {group.setting.label}' if differ and group.setting.label else text


def _curves(group: RunGroup, missing: list[str]) -> Curves:
    """The curves of the runs that have logs; the others, which still have their results, are named in `missing`."""
    curves = []
    for seed, run in sorted(group.runs.items()):
        try:
            curves.append(read_curves(run.folder))
        except DataError:
            missing.append(f'{group.config}, seed {seed}')
    return curves
