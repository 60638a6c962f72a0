"""Means and spreads of runs, differences with Welch's interval, Holm's correction; tables and a forest plot."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from itertools import accumulate
from statistics import fmean, stdev
from typing import NamedTuple

import matplotlib
from matplotlib.figure import Figure
from scipy.stats import ttest_ind, ttest_rel

from ..visualization import BLUE, INK, STYLE

MIN_RUNS = 3  # on each side of a difference that has an interval
ROUNDING = 1e-3  # in points; results that vary less are equal
LABEL = 50  # characters of a label on one line of the plot
NUMBER = re.compile(r'[*+-]*\d')  # how a number begins, in bold or not


def mean_and_spread(values: Sequence[float], digits: int = 2) -> str:
    """Mean and sample standard deviation; a single value has none.

    >>> mean_and_spread([70.0, 72.0], digits=1), mean_and_spread([75.18])
    ('71.0 ± 1.4', '75.18')
    """
    spread = f' ± {stdev(values):.{digits}f}' if len(values) > 1 else ''
    return f'{fmean(values):.{digits}f}{spread}'


class Difference(NamedTuple):
    """Difference of two means, with its 95 % interval and p-value if there are enough runs."""

    mean: float
    interval: tuple[float, float] | None = None
    p: float | None = None

    @property
    def excludes_zero(self) -> bool:
        """Whether there is an interval that does not contain 0."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]

    def text(self, digits: int = 2) -> str:
        """The mean, in bold if the interval excludes 0, and the interval.

        >>> Difference(3.0, (-3.1, 9.1), 0.17).text(digits=1)
        '+3.0 (-3.1 to +9.1)'
        """
        bold = '**' * self.excludes_zero
        interval = f' ({self.interval[0]:+.{digits}f} to {self.interval[1]:+.{digits}f})' if self.interval else ''
        return f'{bold}{self.mean:+.{digits}f}{bold}{interval}'


def difference(ours: Sequence[float], theirs: Sequence[float], paired: bool = False) -> Difference:
    """Mean of `ours` minus mean of `theirs`, with interval and p by Welch's t-test, or by Student's for paired runs.

    Both are None if a side has fewer than three runs, or the runs of each side (or the paired differences) are equal.
    """
    mean = fmean(ours) - fmean(theirs)
    samples = [[a - b for a, b in zip(ours, theirs, strict=True)]] if paired else [ours, theirs]
    if min(map(len, samples)) < MIN_RUNS or max(map(stdev, samples)) < ROUNDING:
        return Difference(mean)
    test = ttest_rel(ours, theirs) if paired else ttest_ind(ours, theirs, equal_var=False)
    low, high = test.confidence_interval(0.95)
    return Difference(mean, (float(low), float(high)), float(test.pvalue))


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """p-values corrected for their number (Holm, 1979), in the order given; None stays None and is not counted.

    >>> holm([0.01, 0.04, None, 0.03]), holm([0.6, 0.7])
    ([0.03, 0.06, None, 0.06], [1.0, 1.0])
    """
    known = sorted((p, index) for index, p in enumerate(ps) if p is not None)
    steps = [min(1.0, (len(known) - rank) * p) for rank, (p, _) in enumerate(known)]
    corrected = {index: highest for (_, index), highest in zip(known, accumulate(steps, max), strict=True)}
    return [corrected.get(index) for index in range(len(ps))]


def markdown_table(rows: Sequence[Mapping[str, str]]) -> str:
    """A table in Markdown, one line for each row of texts by their headings; columns of numbers are right-aligned.

    >>> print(markdown_table([{'head': 'BCNN', 'top-1': '75.2'}, {'head': 'CBP', 'top-1': ''}]))
    | head | top-1 |
    |---|---:|
    | BCNN | 75.2 |
    | CBP |  |
    """
    names = list(rows[0])
    numbers = [all(NUMBER.match(row[name]) for row in rows if row[name]) for name in names]
    cells = [[row[name].replace('|', '\\|').replace('\n', '<br>') for name in names] for row in rows]
    lines = [f'| {" | ".join(line)} |' for line in [names, *cells]]
    return '\n'.join([lines[0], f'|{"|".join("---:" if right else "---" for right in numbers)}|', *lines[1:]])


def draw_differences(differences: Sequence[tuple[str, Difference]], quantity: str) -> Figure:
    """A forest plot of labelled differences; a dot is filled if the interval excludes 0."""
    labels = [textwrap.fill(label, LABEL) for label, _ in differences]
    lines = 1 + sum(label.count('\n') + 1.6 for label in labels)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 1.2 + 0.16 * lines), layout='constrained')
        figure.supxlabel(f'{quantity}: difference in points, 95 % interval', fontsize='medium')
        axes = figure.add_subplot()
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.tick_params(axis='y', length=0)
        axes.spines['left'].set_visible(False)
        axes.grid(axis='x')
        axes.axvline(0, color=INK, linewidth=1, linestyle='--')
        for line, (_, value) in enumerate(differences):
            if value.interval:
                axes.plot(value.interval, [line, line], color=BLUE, linewidth=1.5, marker='|')
            face = BLUE if value.excludes_zero else 'white'
            axes.plot(value.mean, line, marker='o', markerfacecolor=face, markeredgecolor=BLUE)
    return figure
