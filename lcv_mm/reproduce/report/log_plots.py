"""The plots over training, out of the logs of the runs."""

from collections.abc import Sequence

from ...visualization import read_curves
from .curve_plots import CurvePair, CurvesOfRun, draw_accuracy, draw_distances
from .groups import Run, RunGroup, baseline_name, counterpart, titles_in
from .numbers import seeds
from .parts import Plot
from .svg import inline_svg

BAND = 'Mean over the seeds, in a band of one standard deviation.'


def log_plots(key: str, groups: Sequence[RunGroup]) -> list[Plot]:
    """Learning curves and mean distances of each LCV config beside its baseline, where both were run.

    Args:
        key (str): Of the section; the ids of the pictures begin with it.
        groups (Sequence[RunGroup]): The runs of the section.
    """
    missing: list[str] = []
    pairs = []
    titled = titles_in(groups)
    for group in groups:
        name = baseline_name(group.config)
        baseline = counterpart(group, name, groups) if name else None
        if name and baseline:
            pairs.append(CurvePair(titled(name, group), _read(group, missing), _read(baseline, missing)))
    unread = f' No readable logs, and so not drawn: {", ".join(missing)}.' if missing else ''
    kinds = (
        ('accuracy', 'Learning curves: test accuracy over the epochs.', draw_accuracy, ['accuracy/top1']),
        (
            'distances',
            'Mean distances between and within classes over the epochs, of the features that go into the head.',
            draw_distances,
            ['dist_inter', 'dist_intra'],
        ),
    )
    plots = []
    for kind, caption, draw, names in kinds:
        svgs = [
            inline_svg(draw(pair), f'{key}-{kind}-{place}', f'{caption} {_label(pair)}.')
            for place, pair in enumerate(pairs)
            if pair.has(names)
        ]
        if svgs:
            plots.append(Plot(tuple(svgs), f'{caption} {BAND}{unread}'))
    return plots


def _label(pair: CurvePair) -> str:
    return f'{pair.title}: LCV, {seeds(len(pair.lcv))}, baseline, {seeds(len(pair.baseline))}'


def _read(group: RunGroup, missing: list[str]) -> list[CurvesOfRun]:
    """The curves of the runs that have logs; the others are named in `missing`."""
    curves: list[CurvesOfRun] = []
    for seed, run in sorted(group.runs.items()):
        found = _curves(run)
        if found:
            curves.append(found)
        else:
            missing.append(f'{group.config}, seed {seed}')
    return curves


def _curves(run: Run) -> CurvesOfRun:
    # a run without its logs, or with a line cut off where it was killed, still has its result: only its curves go
    try:
        return read_curves(run.folder)
    except (FileNotFoundError, ValueError, KeyError, AttributeError):  # none, no JSON, no step, no object
        return {}
