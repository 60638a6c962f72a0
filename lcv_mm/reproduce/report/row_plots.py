"""Plots with a line a row, each under its own label, so that they stay readable on a narrow screen."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..statistics import Summary
from .svg import BASELINE, INK, LCV, PAGE, STYLE

WIDTH = 3.7  # inches; with text of 9 points this is about the width of a phone
LABEL = 50  # characters of a label on a line of that width


@dataclass(frozen=True)
class ReachedRow:
    """A row of the paper in `draw_paper_against_reached`: the paper's number, and what was reached if it was run."""

    label: str
    paper: float
    reached: Summary | None
    lcv: bool


def draw_paper_against_reached(rows: Sequence[ReachedRow]) -> Figure:
    """The paper's number (open diamond) and the mean over the seeds (filled) with its standard deviation."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _row_axes([row.label for row in rows])
        for place, row in enumerate(rows):
            if row.reached is not None:
                colour, marker = (LCV, 'o') if row.lcv else (BASELINE, 's')
                axes.plot([row.paper, row.reached.mean], [place, place], color=INK, alpha=0.4, linewidth=1)
                axes.errorbar(row.reached.mean, place, xerr=row.reached.sd, color=colour, marker=marker, capsize=3)
            axes.plot(row.paper, place, marker='D', markerfacecolor='none', markeredgecolor=INK, linestyle='none')
        # points outside the picture: only for the legend
        axes.plot([], [], marker='D', markerfacecolor='none', markeredgecolor=INK, linestyle='none', label='paper')
        axes.plot([], [], marker='o', color=LCV, linestyle='none', label='reached, LCV')
        axes.plot([], [], marker='s', color=BASELINE, linestyle='none', label='reached, baseline')
        figure.legend(loc='outside lower center', ncols=3, handletextpad=0.2, columnspacing=1.0)
        axes.set_xlabel('top-1 accuracy (%)')
    return figure


def draw_comparisons(rows: Sequence[tuple[str, Summary, tuple[float, float] | None]]) -> Figure:
    """A forest plot: for each (label, differences, interval) the mean, its interval, and a line at no difference."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _row_axes([label for label, _, _ in rows])
        axes.axvline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        for place, (_, sample, interval) in enumerate(rows):
            open_ = interval is None or interval[0] <= 0 <= interval[1]
            if interval is not None:
                axes.plot(interval, [place, place], color=LCV, linewidth=1.5, marker='|')
            face = 'none' if open_ else LCV
            axes.plot(sample.mean, place, marker='o', markerfacecolor=face, markeredgecolor=LCV)
        axes.set_xlabel('difference of top-1 accuracy (points)')
    return figure


def _row_axes(labels: Sequence[str]) -> tuple[Figure, Axes]:
    labels = [textwrap.fill(label, LABEL) for label in labels]
    lines = 1 + max(label.count('\n') for label in labels)
    figure = Figure(figsize=(WIDTH, 0.9 + (0.22 + 0.14 * lines) * len(labels)), layout='constrained')
    axes = figure.add_subplot()
    axes.set_ylim(len(labels) - 0.5, -0.65 - 0.15 * lines)
    axes.set_yticks([])
    axes.spines['left'].set_visible(False)
    axes.grid(axis='x')
    for place, label in enumerate(labels):
        # x of the axes, y of the data; outside of the layout, which would shrink the plot for a long label
        text = axes.text(0, place - 0.28, label, transform=axes.get_yaxis_transform(), va='bottom')
        text.set_bbox(dict(facecolor=PAGE, edgecolor='none', pad=0.5))  # or grid and zero line strike it out
        text.set_in_layout(False)
    return figure, axes
