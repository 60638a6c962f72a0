"""The plots of the report, drawn in dark ink on nothing: the page inverts them where it is dark."""

import base64
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...errors import DataError
from ...visualization import Curve, read_curves
from .render import Plot
from .run_groups import RunGroup, baseline_name

BASELINE, LCV = '#b04a00', '#0a58a8'
STYLE: Any = {
    'text.parse_math': False,  # a `$` in an option is a `$`
    'svg.hashsalt': 'lcv_mm',  # with no date: the same records give the same page
}
# kind of plot -> what it shows; and its logged values with their names, and their dashes with LCV and without
KINDS = {
    'top-1 on test images (%)': {'accuracy/top1': ('', '-', '--')},
    'mean distance in a batch': {'dist_inter': (', between', '-', '--'), 'dist_intra': (', within', '-.', ':')},
}

Curves = Sequence[Mapping[str, Curve]]  # of the runs of a group: logged name -> curve


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


def address(figure: Figure) -> str:
    """A figure for an `<img>`: the picture itself."""
    stream = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(stream, format='svg', transparent=True, metadata={'Date': None})
    return f'data:image/svg+xml;base64,{base64.b64encode(stream.getvalue()).decode()}'


def training_plots(groups: Sequence[RunGroup]) -> list[Plot]:
    """Learning curves and mean distances of each LCV config beside its baseline, where both were run and logged."""
    several = len({group.setting.label for group in groups}) > 1  # settings, named where they differ
    pairs = []
    for group in groups:
        if other := group.counterpart(baseline_name(group.config), groups):
            title = ', '.join(filter(None, (other.config, group.setting.label * several)))
            pairs.append((title, _curves(group), _curves(other)))
    plots = []
    for quantity in KINDS:
        caption = f'Over the epochs: {quantity}. Mean over the seeds, in a band of one standard deviation.'
        drawn = [(title, draw_training(title, lcv, baseline, quantity)) for title, lcv, baseline in pairs]
        pictures = [(f'{title}, LCV and its baseline. {caption}', address(figure)) for title, figure in drawn if figure]
        plots += [Plot(caption, pictures)] if pictures else []
    return plots


def _curves(group: RunGroup) -> Curves:
    """The curves of the runs that have readable logs; the others still have their results."""
    curves = []
    for run in group.runs.values():
        with suppress(DataError):
            curves.append(read_curves(run.folder))
    return curves
