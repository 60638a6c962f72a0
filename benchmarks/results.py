"""Write tables and picture of docs/results.md from the lines of JSON in records/:  python benchmarks/results.py"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from scipy.stats import ttest_ind

from lcv_mm.reproduce.report.plots import draw_differences

ROOT = Path(__file__).parents[1]
ARMS = {  # of benchmarks/screen.py
    'baseline': 'baseline',
    'balanced': 'balanced batches',
    'attention': 'attention',
    'attention_balanced': 'attention, balanced batches ("w/o loss")',
    'lcv_shuffled': "attention, the paper's sum",
    'lcv': "attention, balanced batches, the paper's sum (LCV)",
    'lcv_head': "attention, balanced batches, the sum on the head's vector",
    'triplet': 'attention, balanced batches, triplet loss (margin 0.2)',
    'supcon_head': "attention, balanced batches, supervised contrastive loss on the head's vector",
}
PRIMARY = ('lcv', 'attention_balanced')  # fixed before the runs
Runs = Sequence[Mapping[str, Any]]


def read(name: str) -> list[dict[str, Any]]:
    """The runs of records/<name>.jsonl; none if it has not been begun."""
    file = ROOT / f'records/{name}.jsonl'
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []


def difference(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float, float]:
    """Mean difference, its 95 % interval and p, by Welch's t: the runs are not paired."""
    test = ttest_ind(ours, theirs, equal_var=False)
    low, high = test.confidence_interval(0.95)
    return fmean(ours) - fmean(theirs), float(low), float(high), float(test.pvalue)


def holm(ps: Mapping[str, float]) -> dict[str, float]:
    """p-values corrected for their number (Holm, 1979).

    >>> holm({'a': 0.01, 'b': 0.04, 'c': 0.03})
    {'a': 0.03, 'c': 0.06, 'b': 0.06}
    """
    corrected: dict[str, float] = {}
    highest = 0.0
    for rank, name in enumerate(sorted(ps, key=lambda name: ps[name])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[name]))
        corrected[name] = highest
    return corrected


def shown(mean: float, low: float, high: float) -> str:
    """A difference with its interval, in bold type if that excludes 0."""
    bold = '**' * (not low <= 0 <= high)
    return f'{bold}{mean:+.1f}{bold} ({low:+.1f} to {high:+.1f})'


def screen_table(runs: Runs) -> list[str]:
    """One line per arm: top-1, spread, cross entropy, and the difference from the baseline and from 'w/o loss'."""
    of = {arm: [run for run in runs if run['arm'] == arm] for arm in ARMS}
    of = {arm: found for arm, found in of.items() if found}
    top1 = {arm: [run['top1'] for run in found] for arm, found in of.items()}
    exploratory = {
        arm: difference(top1[arm], top1['baseline'])
        for arm in of
        if arm != 'baseline' and min(len(top1[arm]), len(top1['baseline'])) > 1
    }
    corrected = holm({arm: found[3] for arm, found in exploratory.items()})
    lines = []
    for arm, found in of.items():
        spread = f' ± {stdev(top1[arm]):.1f}' if len(found) > 1 else ''
        entropy = fmean(run['cross_entropy'] for run in found)
        against = f'{shown(*exploratory[arm][:3])} | {corrected[arm]:.2f} |' if arm in exploratory else '| |'
        lines.append(f'| {ARMS[arm]} | {len(found)} | {fmean(top1[arm]):.1f}{spread} | {entropy:.2f} | {against}')
    return lines


def recipe_table(runs: Runs, probes: Runs) -> list[str]:
    """One line per dataset, backbone and head: the probe, and each recipe's top-1 and cross entropy."""
    probe = {(run['dataset'], run['backbone'], run['head']): run['top1'] for run in probes}
    lines = []
    for key in dict.fromkeys((run['dataset'], run['backbone'], run['head']) for run in runs):
        of = {run['recipe']: run for run in runs if (run['dataset'], run['backbone'], run['head']) == key}
        cells = [f'{probe[key]:.1f}' if key in probe else '']
        for recipe in RECIPES:
            run = of.get(recipe)
            cells.append(f'{run["top1"]:.1f} ({run["cross_entropy"]:.2f})' if run else '')
        lines.append(f'| {key[0]}, {key[1]} | {key[2]} | {" | ".join(cells)} |')
    return lines


RECIPES = ('as written', 'rows', 'rows, LCV', 'rows, LCV, shuffled')


def rates_table(probes: Runs) -> list[str]:
    """One line per learning rate: accuracy and cross entropy of the classifier alone, by the number of epochs."""
    rates = next(run['rates'] for run in probes if run['rates'])
    cells = {rate: ' | '.join(f'{top1:.1f} ({loss:.2f})' for top1, loss in at.values()) for rate, at in rates.items()}
    return [f'| {float(rate):g} | {shown} |' for rate, shown in cells.items()]


def birdlets_table(runs: Runs) -> list[str]:
    """One line per arm of HBP on drawn birds, with the differences from the two before it."""
    names = ('hbp_resnet18_birdlets64', 'hbp_resnet18_birdlets64_attention_balanced', 'lcv_hbp_resnet18_birdlets64')
    top1 = [[run['top1'] for run in runs if run['config'] == name] for name in names]
    lines = []
    for label, ours in zip(('baseline', 'attention, balanced batches ("w/o loss")', 'LCV'), top1, strict=True):
        minus = [shown(*difference(ours, theirs)[:3]) if ours is not theirs else '' for theirs in top1[:2]]
        if ours is top1[0]:
            minus = ['', '']
        lines.append(f'| {label} | {len(ours)} | {fmean(ours):.1f} ± {stdev(ours):.1f} | {" | ".join(minus)} |')
    return lines


HEADS = {
    'rates': '| lr | 4 epochs | 12 epochs | 50 epochs |',
    'recipe': '| data, backbone | head | probe | as written | recipe of the rows | LCV | LCV, shuffled batches |',
    'screen': '| arm | runs | top-1 (%) | cross entropy | minus baseline (95 % interval) | p (Holm) |',
    'birdlets': '| arm | runs | top-1 (%) | minus baseline (95 % interval) | minus "w/o loss" |',
}


def tables() -> dict[str, list[str]]:
    """The lines of each table of the page, with its head."""
    lines = dict(
        rates=rates_table(read('probe')),
        recipe=recipe_table(read('selection'), read('probe')),
        screen=screen_table([run for run in read('screen') if run['quarter'] is None]),
        birdlets=birdlets_table(read('birdlets')),
    )
    return {name: [head, '|---' * (head.count('|') - 1) + '|', *lines[name]] for name, head in HEADS.items()}


def written(page: str) -> str:
    """The page with each table between `<!-- table: NAME -->` and `<!-- end -->` written anew."""
    for name, lines in tables().items():
        start, rest = page.split(f'<!-- table: {name} -->\n')
        page = '\n'.join(
            [f'{start}<!-- table: {name} -->\n', *lines, '', f'<!-- end -->{rest.split("<!-- end -->", 1)[1]}']
        )
    return page


def picture(runs: Runs) -> Iterable[tuple[str, float, tuple[float, float]]]:
    """What the forest plot shows: each arm of the screen minus the baseline, and the primary contrast."""
    top1 = {arm: [run['top1'] for run in runs if run['arm'] == arm] for arm in ARMS}
    for arm, name in ARMS.items():
        if arm != 'baseline' and len(top1[arm]) > 1:
            mean, low, high, _ = difference(top1[arm], top1['baseline'])
            yield f'{name} - baseline', mean, (low, high)
    if all(len(top1[arm]) > 1 for arm in PRIMARY):
        mean, low, high, _ = difference(*(top1[arm] for arm in PRIMARY))
        yield 'LCV - "w/o loss" (primary contrast)', mean, (low, high)


if __name__ == '__main__':
    file = ROOT / 'docs/results.md'
    file.write_text(written(file.read_text()))
    print(file)
    points = [*picture([run for run in read('screen') if run['quarter'] is None])]
    if points:  # an interval needs two runs of an arm
        draw_differences(points, 'top-1 accuracy').savefig(ROOT / 'docs/images/results.png', dpi=160)
