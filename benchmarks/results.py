"""Write the tables of results and their picture from the lines of JSON in records/:  python benchmarks/results.py

With the work dir of a `tools/reproduce.py`, its finished runs are added: rows of the paper to records/rows.jsonl, those
of the controlled comparison (`--dataset warblers112`) to records/fair.jsonl.
"""

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from scipy.stats import binomtest
from scipy.stats import t as student_t

from lcv_mm.engine.loss_hooks import has_learned
from lcv_mm.errors import DataError
from lcv_mm.reproduce.paper import PaperRow, read_rows
from lcv_mm.reproduce.report import ROW_OPTIONS, row_of
from lcv_mm.reproduce.run_groups import read_groups
from lcv_mm.reproduce.summary import (
    MIN_RUNS,
    ROUNDING,
    Difference,
    difference,
    draw_differences,
    holm,
    markdown_table,
    mean_and_spread,
)
from lcv_mm.visualization import read_curves

ROOT = Path(__file__).parents[1]
ARMS = {  # of benchmarks/screen.py
    'baseline': 'baseline',
    'balanced': 'balanced batches',
    'attention': 'attention',
    'attention_balanced': 'attention, balanced batches ("w/o loss")',
    'lcv': 'LCV',
    'lcv_shuffled': 'LCV, shuffled batches',
    'lcv_head': "LCV, distances of the classifier's input",
    'triplet': 'LCV with a triplet loss (margin 0.2)',
    'contrastive': 'LCV with a contrastive loss',
    'supcon_head': "LCV with a supervised contrastive loss on the classifier's input",
}
FEATURES = {  # column: what it is in the metric, digits
    'within classes': ('dist_intra', 2),
    'between classes': ('dist_inter', 2),
    'ratio': ('ratio', 2),
    'Recall@1 (%)': ('Recall@1', 1),
    'mAP (%)': ('mAP', 1),
}
FAIR = {  # arms of the controlled comparison, and their columns
    'baseline': 'baseline',
    'attention': 'attention',
    'attention_balanced': '"w/o loss"',
    'lcv': 'LCV',
}
SHUFFLED = 'lcv_shuffled'  # another arm, which is compared with 'attention'
FAIR_HEADS = ('bcnn', 'cbp', 'hbp')  # over which the mean is taken
FAIR_NAMES = {'bcnn': 'BCNN', 'cbp': 'CBP', 'hbp': 'HBP', 'isqrt': 'iSQRT-COV', 'linear': 'linear classifier'}
CONV5 = 'VGG-16, conv5 and head'  # trained by benchmarks/screen.py
ALL_LAYERS = {'vgg16': 'VGG-16, all layers', 'resnet18': 'ResNet-18, all layers'}
TENTH = ', backbone at 0.001'  # ends the name of a model that is trained with these options
SLOW_BACKBONE = {'optim_wrapper.clip_grad': 'None', 'optim_wrapper.paramwise_cfg.custom_keys.backbone.lr_mult': '0.1'}
FAIR_MODELS = (CONV5, *ALL_LAYERS.values(), *(model + TENTH for model in ALL_LAYERS.values()))
CONTRASTS = (  # the primary one, then the exploratory ones
    ('lcv', 'attention_balanced'),
    ('lcv', 'baseline'),
    ('attention_balanced', 'baseline'),
    ('attention', 'baseline'),
)
RECIPES = {  # of records/selection.jsonl, and their columns
    'as written': 'as written',
    'rows': 'recipe of the rows',
    'rows, LCV': 'LCV',
    'rows, LCV, shuffled': 'LCV, shuffled batches',
}
ALTERNATIVES = {  # to clipping the gradients, likewise
    'rows': 'recipe of the rows',
    'warm-up': 'linear warm-up over two epochs, no clipping',
    'multiplier': 'backbone at 0.001, no clipping',
}
OPTIONS = {  # arms of records/options.jsonl, and what they change of LCV's default
    'attention_balanced': '"w/o loss"',
    'lcv': 'default: margin 1, maps of the last level',
    'lcv_margin_0p7': 'margin 0.7',
    'lcv_margin_1p3': 'margin 1.3',
    'lcv_pooled': "`space='pooled'`, margin 0.7",
    'lcv_intra_0p1': '`weight_intra=0.1`',
    'lcv_head': "`space='head'`",
    'lcv_level_all': "`level='all'`",
}
QUARTERS = 4  # of the training images, each held out in turn
QUARTER = 1 / (QUARTERS - 1)  # ratio of test to training images
FLOWERS = 680 / 680  # likewise of Oxford-Flower-17
WEIGHTS = {  # files of pretrained weights other than the configs'
    'resnet18_imagenet_approx.pth': "an approximation of torchvision's ResNet-18",
    'vgg16_features.pth': "the Caffe authors' VGG-16",
}
PHPQ = {  # arms of records/phpq.jsonl with their databases
    ('full', 'codes'): 'with codes',
    ('full', 'no codes'): 'the same weights without codes',
    ('one level', 'codes'): 'the last level alone',
    ('mean only', 'codes'): 'without the maximum',
    ('no projection', 'codes'): 'without the linear layers',
}
# config, classes, and ratio of test to training images if the runs are splits of the same images
PHPQ_DATA = {'Birdlets': ('phpq_resnet18_birdlets64', 20, 0), 'flowers': ('phpq_vgg16_flower112', 17, FLOWERS)}
GCA_ARMS = {  # of records/gca.jsonl
    'k-means': 'k-means',
    'semi-supervised k-means': 'semi-supervised k-means',
    'GCA, unguided': 'unguided GCA',
    'GCA': 'GCA',
}
GCA_CONTRASTS = (
    ('GCA', 'semi-supervised k-means', 'All'),
    ('GCA', 'semi-supervised k-means', 'Old'),
    ('GCA', 'GCA, unguided', 'Old'),
    ('GCA, unguided', 'k-means', 'All'),
    ('GCA', 'k-means', 'All'),
)
LOGGED = {  # columns of the log of rows: name in the log, epoch, digits
    'intra-class loss': ('loss_intra', 60, 2),
    'inter-class loss': ('loss_inter', 60, 2),
    'gradient norm': ('grad_norm', 60, 2),
    'between classes, epoch 1': ('dist_inter', 1, 2),
    'between classes, epoch 60': ('dist_inter', 60, 2),
    'top-1, epoch 20': ('accuracy/top1', 20, 1),
    'top-1, epoch 60': ('accuracy/top1', 60, 1),
}
AS_WRITTEN = '_as_written'  # ends the names of rows with the paper's schedule as written
WARBLERS = 25
Runs = Sequence[Mapping[str, Any]]
Row = dict[str, str]
BySeed = Mapping[int, float]  # top-1 by seed


def read(name: str) -> list[dict[str, Any]]:
    """The runs of records/<name>.jsonl; none if the file does not exist."""
    file = ROOT / f'records/{name}.jsonl'
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []


def pairs_by_seed(ours: BySeed, theirs: BySeed) -> tuple[list[float], list[float]]:
    """The results of the seeds that both have, in the same order."""
    seeds = sorted(ours.keys() & theirs.keys())
    return [ours[seed] for seed in seeds], [theirs[seed] for seed in seeds]


def arm_difference(ours: BySeed, theirs: BySeed, paired: bool = False) -> Difference | None:
    """Difference in top-1 of two arms; None if one was not run. With `paired`, of the seeds of both, in pairs."""
    left, right = pairs_by_seed(ours, theirs) if paired else ([*ours.values()], [*theirs.values()])
    return difference(left, right, paired) if left and right else None


def losses_table(runs: Runs) -> list[Row]:
    """One row per arm of the screen with CBP: top-1, spread, cross entropy, and the difference from the baseline."""
    of = {arm: [run for run in runs if run['arm'] == arm and run['config'].startswith('cbp_')] for arm in ARMS}
    top1 = {arm: {run['seed']: run['top1'] for run in arm_runs} for arm, arm_runs in of.items() if arm_runs}
    values = [None if arm == 'baseline' else arm_difference(top1[arm], top1.get('baseline', {})) for arm in top1]
    return [
        {
            'variant': ARMS[arm],
            'runs': str(len(of[arm])),
            'top-1 (%)': mean_and_spread([*top1[arm].values()], 1),
            'cross entropy': f'{fmean(run["cross_entropy"] for run in of[arm]):.2f}',
            'minus baseline (95 % interval)': value.text(1) if value and value.interval else '',
            'p (Holm)': '' if p is None else f'{p:.2f}',
        }
        for arm, value, p in zip(top1, values, holm([value.p if value else None for value in values]), strict=True)
    ]


def fair_runs(screen: Runs, fair: Runs) -> Runs:
    """The runs of the controlled comparison, each with its `model`, one of FAIR_MODELS."""
    return [run | dict(model=CONV5) for run in screen] + [
        run | dict(model=ALL_LAYERS[run['config'].split('_')[1]] + TENTH * ('recipe' in run)) for run in fair
    ]


def fair_results(runs: Runs, model: str) -> dict[str, dict[str, BySeed]]:
    """Top-1 by head, arm and seed of the runs with a trained classifier; 'mean' is over FAIR_HEADS, seed by seed."""
    names = (*FAIR, SHUFFLED)
    top1: dict[tuple[str, str], dict[int, float]] = {(head, arm): {} for head in FAIR_NAMES for arm in names}
    for run in runs:
        key = (run['config'].partition('_')[0], run['arm'])
        if run['model'] == model and key in top1 and has_learned(run['cross_entropy'], WARBLERS):
            top1[key][run['seed']] = run['top1']
    results: dict[str, dict[str, BySeed]] = {
        name: {arm: top1[head, arm] for arm in names} for head, name in FAIR_NAMES.items()
    }
    results['mean'] = {
        arm: {
            seed: fmean(top1[head, arm][seed] for head in FAIR_HEADS)
            for seed in sorted(set.intersection(*({*top1[head, arm]} for head in FAIR_HEADS)))
        }
        for arm in names
    }
    return {head: arms for head, arms in results.items() if any(arms.values())}


def contrast_name(arm: str, other: str) -> str:
    """Such as 'LCV minus baseline'."""
    return f'{FAIR[arm]} minus {FAIR[other]}'


def arms_table(runs: Runs, columns: Mapping[str, str], contrasts: Sequence[tuple[str, str]], common: bool) -> list[Row]:
    """One row per model and head, then the mean over heads: arms in columns, and contrasts of two of them.

    The first contrast is also shown paired by seed. With `common`, only the seeds with which every arm has been run.
    """
    rows = []
    for model in FAIR_MODELS:
        for head, arms in fair_results(runs, model).items():
            if common:
                seeds = set.intersection(*({*arms[arm]} for arm in columns))
                arms = {arm: {seed: arms[arm][seed] for seed in sorted(seeds)} for arm in columns}
            differences = {}
            for arm, other in contrasts:
                differences[f'{columns[arm]} minus {columns[other]}'] = arm_difference(arms[arm], arms[other])
                if (arm, other) == contrasts[0]:
                    differences['paired by seed'] = arm_difference(arms[arm], arms[other], paired=True)
            if any(arms.values()):
                rows.append(
                    {'model': model, 'head': f'**{head}**' if head == 'mean' else head}
                    | {
                        name: mean_and_spread([*arms[arm].values()], 1) if arms[arm] else ''
                        for arm, name in columns.items()
                    }
                    | {'runs': '/'.join(str(len(arms[arm])) for arm in columns)}
                    | {name: value.text(1) if value else '' for name, value in differences.items()}
                )
    return rows


def fair_table(runs: Runs) -> list[Row]:
    """The arms of the controlled comparison, and LCV minus two of them."""
    return arms_table(runs, FAIR, CONTRASTS[:2], common=False)


def shuffled_table(runs: Runs) -> list[Row]:
    """LCV on shuffled batches beside the attention and the baseline, by the seeds with which all have been run."""
    columns = {'baseline': FAIR['baseline'], 'attention': FAIR['attention'], SHUFFLED: ARMS[SHUFFLED]}
    return arms_table(runs, columns, [(SHUFFLED, 'attention'), (SHUFFLED, 'baseline')], common=True)


def primary_table(runs: Runs) -> list[Row]:
    """The primary contrast, a mean over the heads, of each model: by Welch's test, and paired by seed."""
    means = {model: fair_results(runs, model).get('mean', {}) for model in FAIR_MODELS}
    pairs = {model: [arms.get(arm, {}) for arm in CONTRASTS[0]] for model, arms in means.items()}
    models = [model for model, pair in pairs.items() if all(pair)]
    columns = {'model': models}
    for name, paired in ((contrast_name(*CONTRASTS[0]), False), ('paired by seed', True)):
        values = [arm_difference(*pairs[model], paired=paired) for model in models]  # None without a common seed
        ps = holm([value.p if value else None for value in values])
        columns[name] = [value.text(1) if value else '' for value in values]
        columns['p, paired' if paired else 'p'] = ['' if p is None else f'{p:.3f}' for p in ps]
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def help_table(runs: Runs) -> list[Row]:
    """The models of README: means over heads, or the only head, of the comparison with all layers trained."""
    rows = [row for row in fair_table(runs) if row['LCV minus "w/o loss"'] and row['model'] != CONV5]
    heads = {row['model']: row['head'] for row in rows}  # the last row of a model, its mean if there is one
    return [
        {name: text for name, text in row.items() if name not in ('attention', 'runs', 'paired by seed')}
        for row in rows
        if heads[row['model']] == row['head']
    ]


def localisation_table(runs: Runs) -> list[Row]:
    """One row per arm of the comparison: how well its maps point at the birds, over the heads and then the seeds."""
    rows = []
    for arm, name in FAIR.items():
        located = [(run['seed'], run['localisation']) for run in runs if run['arm'] == arm and 'localisation' in run]
        if located:
            columns = {
                f'{title}, {measure}': [(seed, maps.get(key, maps['F'])[measure]) for seed, maps in located]
                for title, key in (('Grad-CAM', 'Grad-CAM'), ("head's input", 'M'))
                for measure in ('pointing', 'energy')
            }
            rows.append({'variant': name} | {column: mean_over_seeds(values) for column, values in columns.items()})
    return rows


def mean_over_seeds(values: Sequence[tuple[int, float]]) -> str:
    """Mean and spread over the seeds of the means of each seed."""
    by_seed: dict[int, list[float]] = {}
    for seed, value in values:
        by_seed.setdefault(seed, []).append(value)
    return mean_and_spread([*map(fmean, by_seed.values())], 1)


def model_of(run: Mapping[str, Any]) -> tuple[str, str, str, int]:
    """Dataset, backbone, head and crop of a line of records/selection.jsonl or probe.jsonl."""
    return run['dataset'], run['backbone'], run['head'], run['crop']


def recipe_cells(runs: Runs, recipes: Mapping[str, str]) -> dict[tuple[str, str, str, int], Row]:
    """For each model, the columns of these recipes."""
    of: dict[tuple, list[Mapping[str, Any]]] = {}
    for run in runs:
        of.setdefault((model_of(run), run['recipe']), []).append(run)
    return {
        model: {column: recipe_cell(of.get((model, recipe), [])) for recipe, column in recipes.items()}
        for model in dict.fromkeys(map(model_of, runs))
    }


def recipe_cell(runs: Runs) -> str:
    """Top-1 and, in brackets, the last cross entropy; '' without a run."""
    top1, losses = ([run[name] for run in runs] for name in ('top1', 'cross_entropy'))
    return f'{mean_and_spread(top1, 1)} ({fmean(losses):.2f})' if runs else ''


def recipe_table(runs: Runs, probes: Runs) -> list[Row]:
    """One row per dataset, backbone and head: the probe and the recipes."""
    probe = {model_of(run): f'{run["top1"]:.1f}' for run in probes}
    return [
        {'data, backbone': f'{model[0]}, {model[1]}', 'head': model[2], 'probe': probe.get(model, '')} | cells
        for model, cells in recipe_cells(runs, RECIPES).items()
    ]


def alternatives_table(runs: Runs) -> list[Row]:
    """One row per dataset, backbone and head with which the alternatives were run."""
    return [
        {'data, backbone, head': ', '.join(model[:3])} | cells
        for model, cells in recipe_cells(runs, ALTERNATIVES).items()
        if all(cells.values())
    ]


def multiplier_table(runs: Runs) -> list[Row]:
    """CBP with clipped gradients and with a tenth of the rate for the backbone, each quarter held out in turn."""
    runs = sorted(runs, key=lambda run: run['quarter'])
    rows = []
    for config in dict.fromkeys(run['config'] for run in runs):
        clipped, tenth = (
            [run['top1'] for run in runs if (run['config'], run['recipe']) == (config, recipe)]
            for recipe in ('rows', 'multiplier')
        )
        if len(clipped) == len(tenth) == QUARTERS:
            rows.append(
                {
                    'model': f'CBP, {ALL_LAYERS[config.split("_")[1]]}',
                    ALTERNATIVES['rows']: f'{fmean(clipped):.1f}',
                    ALTERNATIVES['multiplier']: f'{fmean(tenth):.1f}',
                    'difference (95 % interval)': corrected_difference(tenth, clipped, QUARTER).text(1),
                }
            )
    return rows


def corrected_difference(ours: Sequence[float], theirs: Sequence[float], test_share: float) -> Difference:
    """Mean difference over splits of the same images, with the corrected interval of Nadeau and Bengio (2003).

    The differences are not independent, because the splits share images. Their variance is therefore multiplied by
    1 / splits plus `test_share`, the ratio of test to training images, and not by 1 / splits alone.
    """
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    mean = fmean(differences)
    if len(differences) < MIN_RUNS or stdev(differences) < ROUNDING:
        return Difference(mean)
    error = stdev(differences) * (1 / len(differences) + test_share) ** 0.5
    half = float(student_t.ppf(0.975, len(differences) - 1)) * error
    return Difference(mean, (mean - half, mean + half))


def options_table(runs: Runs) -> list[Row]:
    """One row per model and option of the loss with a run for each quarter: top-1, and the difference from LCV."""
    of: dict[tuple[str, str], list[float]] = {}
    for run in sorted(runs, key=lambda run: run['quarter']):
        of.setdefault((run['config'], run['arm']), []).append(run['top1'])
    rows = []
    for config, arm in product(dict.fromkeys(config for config, _ in of), OPTIONS):
        top1, default = of.get((config, arm), []), of.get((config, 'lcv'), [])
        if len(top1) == len(default) == QUARTERS:
            head, backbone, _ = config.split('_')
            rows.append(
                {
                    'model': f'{FAIR_NAMES[head]}, {CONV5 if backbone == "vgg16" else ALL_LAYERS[backbone]}',
                    'option': OPTIONS[arm],
                    'top-1 (%)': f'{fmean(top1):.1f}',
                    'minus default (95 % interval)': corrected_difference(top1, default, QUARTER).text(1)
                    * (arm != 'lcv'),
                }
            )
    return rows


def rates_table(probes: Runs) -> list[Row]:
    """One row per learning rate: accuracy and cross entropy of the classifier alone, by the number of epochs."""
    rates = next(run['rates'] for run in probes if run['rates'])
    return [
        {'lr': f'{float(rate):g}'}
        | {f'{epochs} epochs': f'{top1:.1f} ({loss:.2f})' for epochs, (top1, loss) in at.items()}
        for rate, at in rates.items()
    ]


def weights_of(run: Mapping[str, Any]) -> str:
    """The pretrained weights that a run of a row took in place of the config's; '' if it took these."""
    files = [value for key, value in run['options'].items() if key.endswith('checkpoint')]
    return WEIGHTS.get(Path(files[0]).name, Path(files[0]).name) if files else ''


def reached_rows(runs: Runs, recipe: str = 'rows') -> dict[PaperRow, Runs]:
    """The rows of the paper that have been run with a recipe, with their runs."""
    of = {row: [run for run in runs if (run['config'], run['arm']) == (row.config, recipe)] for row in read_rows()}
    return {row: row_runs for row, row_runs in of.items() if row_runs}


def rows_table(runs: Runs) -> list[Row]:
    """One row per row of the paper that has been run; LCV's also have the difference from their baseline."""
    of = reached_rows(runs)
    runs_of = {row.config: row_runs for row, row_runs in of.items()}
    top1 = {config: [run['top1'] for run in row_runs] for config, row_runs in runs_of.items()}
    paper = {row.config: row.paper for row in of}
    rows = []
    for row, row_runs in of.items():
        base = row.config.removeprefix('lcv_')
        pair = row.config != base and base in top1
        rows.append(
            {
                'row': f'{row.method}, {row.backbone}',
                'paper': f'{row.paper:.2f}',
                'reached': mean_and_spread(top1[row.config]),
                'runs': str(len(row_runs)),
                'reached - paper': f'{fmean(top1[row.config]) - row.paper:+.2f}',
                'LCV minus baseline, paper': f'{row.paper - paper[base]:+.2f}' if pair else '',
                'LCV minus baseline, here': paired_difference(row_runs, runs_of[base]) if pair else '',
                'weights': '; '.join(dict.fromkeys(map(weights_of, row_runs))),
            }
        )
    return rows


def as_written_table(runs: Runs) -> list[Row]:
    """One row per row of the paper that has been run with the paper's schedule as written, beside its recipe here."""
    reached = reached_rows(runs)
    written = {row.config: row_runs for row, row_runs in reached_rows(runs, 'as written').items()}
    rows = []
    for row, row_runs in reached.items():
        if mine := written.get(row.config):
            base = row.config.removeprefix('lcv_')
            rows.append(
                {
                    'row': f'{row.method}, {row.backbone}',
                    'as written': mean_and_spread([run['top1'] for run in mine]),
                    'runs': str(len(mine)),
                    'cross entropy': f'{fmean(run["cross_entropy"] for run in mine):.2f}',
                    'as written - reached': paired_difference(mine, row_runs),
                    'LCV minus baseline, as written': paired_difference(mine, written.get(base, []))
                    if row.config != base
                    else '',
                }
            )
    return rows


def features_table(runs: Runs) -> list[Row]:
    """What `ClassVarianceMetric` measured on test images, for rows with a measured counterpart without or with LCV."""
    measured = [run for run in runs if run['arm'] == 'rows' and 'class_variance' in run]
    configs = {run['config'] for run in measured}
    return [
        {'row': f'{row.method}, {row.backbone}', 'runs': str(len(row_runs))}
        | {
            name: mean_and_spread([run['class_variance'][key] for run in row_runs], digits)
            for name, (key, digits) in FEATURES.items()
        }
        for row, row_runs in reached_rows(measured).items()
        if {base := row.config.removeprefix('lcv_'), f'lcv_{base}'} <= configs
    ]


def log_table(runs: Runs) -> list[Row]:
    """What the logs of the rows say, means over their runs."""
    logged = [run for run in runs if 'log' in run]
    rows = []
    for row, row_runs in reached_rows(logged).items():
        cells = {'cross entropy': f'{fmean(run["cross_entropy"] for run in row_runs):.3f}'}
        for column, (name, epoch, digits) in LOGGED.items():
            values = [value for run in row_runs if (value := run['log'].get(name, {}).get(str(epoch))) is not None]
            cells[column] = f'{fmean(values):.{digits}f}' if values else ''
        rows.append({'row': f'{row.method}, {row.backbone}', 'runs': str(len(row_runs))} | cells)
    return rows


def errors_table(runs: Runs) -> list[Row]:
    """One row per pair of a row and LCV on it, and split: test images classified wrongly, and McNemar's exact test."""
    wrong = {(run['config'], run['seed']): {*run['wrong']} for run in runs if run['arm'] == 'rows' and 'wrong' in run}
    rows, ps = [], []
    for row, seed in product(read_rows(), sorted({seed for _, seed in wrong})):
        baseline, lcv = (wrong.get((config, seed)) for config in (row.config, f'lcv_{row.config}'))
        if baseline is not None and lcv is not None:
            only_baseline, only_lcv = len(baseline - lcv), len(lcv - baseline)
            changed = only_baseline + only_lcv
            ps.append(binomtest(only_lcv, changed).pvalue if changed else 1.0)
            rows.append(
                {
                    'row': f'{row.method}, {row.backbone}',
                    'split': str(seed or 1),
                    'wrong with both': str(len(baseline & lcv)),
                    'with the baseline alone': str(only_baseline),
                    'with LCV alone': str(only_lcv),
                }
            )
    return [row | {'p (Holm)': f'{p:.3f}'} for row, p in zip(rows, holm(ps), strict=True)]


def paired_difference(ours: Runs, theirs: Runs) -> str:
    """Difference in top-1 of runs of rows with equal seeds, so equal splits; '' without any."""
    left, right = pairs_by_seed(*({run['seed']: run['top1'] for run in runs} for runs in (ours, theirs)))
    return corrected_difference(left, right, FLOWERS).text() if left else ''


def phpq_table(runs: Runs) -> list[Row]:
    """One row per arm of the PHPQ-like model: mAP on each dataset, and the complete model minus it."""
    rows = []
    for (arm, database), name in PHPQ.items():
        cells = {'variant': name}
        for data, (config, classes, test_share) in PHPQ_DATA.items():
            mine, full = (
                [run for run in runs if (run['config'], run['arm'], run['database']) == (config, *key)]
                for key in ((arm, database), ('full', 'codes'))
            )
            maps = [{run['seed']: run['retrieval/mAP'] for run in of} for of in (full, mine)]
            learned = all(has_learned(run['cross_entropy'], classes) for run in mine)
            compared = learned and mine and mine != full
            cells[data] = f'{fmean(maps[1].values()):.1f}{"" if learned else ", not trained"}' if mine else ''
            cells[f'with codes minus it, {data}'] = (
                corrected_difference(*pairs_by_seed(*maps), test_share).text(1) if compared else ''
            )
        rows.append(cells)
    return rows


def gca_table(runs: Runs) -> list[Row]:
    """One column per dataset: quality of the neighbours, All / Old / New of each arm, and differences by split."""
    rows: dict[str, Row] = {}
    for data in dict.fromkeys(run['features'] for run in runs):
        of = {arm: [run for run in runs if (run['features'], run['arm']) == (data, arm)] for arm in GCA_ARMS}
        same = {run['seed']: run['neighbors'] for run in of['GCA']}
        cells = {'neighbours of the same class': f'{fmean(same.values()):.0f} %'}
        for arm, arm_runs in of.items():
            cells[GCA_ARMS[arm]] = ' / '.join(
                f'{fmean(run[part] for run in arm_runs):.1f}' for part in ('All', 'Old', 'New')
            )
        for ours, theirs, part in GCA_CONTRASTS:
            pairs = pairs_by_seed(*({run['seed']: run[part] for run in of[arm]} for arm in (ours, theirs)))
            cells[f'{GCA_ARMS[ours]} minus {GCA_ARMS[theirs]}, {part}'] = corrected_difference(
                *pairs, test_share=0
            ).text(1)
        for name, text in cells.items():
            rows.setdefault(name, {'': name})[{'flower': 'flowers'}.get(data, data)] = text
    return [*rows.values()]


def with_reached(page: str, runs: Runs) -> str:
    """configs/README.md with the last column of its tables, "reached", filled in."""
    for row, row_runs in reached_rows(runs).items():
        weights = '; '.join(filter(None, dict.fromkeys(map(weights_of, row_runs))))
        text = mean_and_spread([run['top1'] for run in row_runs]) + (f' with {weights}' if weights else '')
        page = re.sub(rf'(\({row.config}\.py\) \| [^|]*) \|[^|\n]*\|\n', rf'\g<1> | {text} |\n', page)
    return page


def fair_arm(config: str, options: Mapping[str, str]) -> dict[str, str] | None:
    """Config, arm and, unless it is the rows', recipe of a run of the comparison; None for another experiment."""
    name = re.fullmatch(r'(lcv_)?(\w+?_warblers112)(?:_(attention\w*))?', config)
    changed = {key: value for key, value in options.items() if not key.endswith(ROW_OPTIONS)}
    shuffled = changed.pop('train_dataloader.batch_sampler', '') == 'None'
    if not name or changed not in ({}, SLOW_BACKBONE) or (shuffled and not name[1]):
        return None
    arm = (SHUFFLED if shuffled else 'lcv') if name[1] else name[3] or 'baseline'
    return dict(config=name[2], arm=arm) | (dict(recipe='multiplier') if changed else {})


def run_lines(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The finished runs in the folder of a `tools/reproduce.py`, as lines of records/rows.jsonl and fair.jsonl.

    A run of a row counts under the conditions of the report, `row_of`; any other run only without further options.
    """
    rows, fair = [], []
    for group in read_groups(folder, sorted(path.name for path in folder.iterdir()), seeds=None)[0]:
        row = row_of(replace(group, config=group.config.removesuffix(AS_WRITTEN)))
        for path, record in group.runs.items():
            run = dict(
                seed=record.seed,
                amp=record.amp,
                top1=round(record.result, 4),
                cross_entropy=record.cross_entropy,
                seconds=round(record.seconds, 1),
                commit=record.git.get('commit'),
                machine=record.machine.get('cpu'),
            )
            for name in ('localisation', 'class_variance', 'wrong'):  # measured afterwards
                if (path / f'{name}.json').is_file():
                    run[name] = json.loads((path / f'{name}.json').read_text())
            if row and not row.quoted:
                options = {
                    key: Path(value).name if key.endswith('checkpoint') else value
                    for key, value in record.options.items()
                    if not key.endswith('data_root')
                }
                recipe = 'as written' if group.config != row.config else 'rows'
                with suppress(DataError):  # without a log
                    curves = read_curves(path)
                    run['log'] = {
                        name: {epoch: round(value, 4) for epoch, value in curves[name] if epoch in (1, 20, 40, 60)}
                        for name in dict.fromkeys(name for name, *_ in LOGGED.values())
                        if name in curves
                    }
                rows.append(dict(config=row.config, arm=recipe, options=options) | run)
            elif arm := fair_arm(group.config, record.options):
                fair.append(arm | run)
    return rows, fair


def run_key(run: Mapping[str, Any]) -> tuple:
    """What a line of the records replaces: the run of the same config, arm, seed, options and precision."""
    told_apart = [run.get(name) for name in ('options', 'recipe', 'amp')]
    return run['config'], run['arm'], run['seed'], json.dumps(told_apart, sort_keys=True)


def tables() -> dict[str, str]:
    """Each table of the pages."""
    fair = fair_runs(read('screen'), read('fair'))
    rows = dict(
        rows=rows_table(read('rows')),
        as_written=as_written_table(read('rows')),
        log=log_table(read('rows')),
        features=features_table(read('rows')),
        errors=errors_table(read('rows')),
        rates=rates_table(read('probe')),
        recipe=recipe_table(read('selection'), read('probe')),
        alternatives=alternatives_table(read('selection')),
        multiplier=multiplier_table(read('multiplier')),
        options=options_table(read('options')),
        losses=losses_table(read('screen')),
        fair=fair_table(fair),
        primary=primary_table(fair),
        help=help_table(fair),
        shuffled=shuffled_table(fair),
        localisation=localisation_table(read('fair')),
        phpq=phpq_table(read('phpq')),
        gca=gca_table(read('gca')),
    )
    return {name: markdown_table(table) for name, table in rows.items() if table}


def written(page: str, tables: Mapping[str, str]) -> str:
    """The page with the table below each `<!-- table: NAME -->` written anew."""
    for name, table in tables.items():
        start, mark, rest = page.partition(f'<!-- table: {name} -->\n\n')
        if mark:
            page = start + mark + table + '\n\n' + rest.split('\n\n', 1)[1]
    return page


def pages() -> dict[Path, str]:
    """The pages with tables of the records, written anew."""
    configs, named = ROOT / 'configs/README.md', tables()
    with_tables = {
        page: written(page.read_text(), named)
        for page in (
            ROOT / 'README.md',
            *(ROOT / f'docs/{name}.md' for name in ('results', 'heads', 'training', 'quoted')),
        )
    }
    return {**with_tables, configs: with_reached(configs.read_text(), read('rows'))}


def contrasts(runs: Runs) -> dict[tuple[str, str, str], Difference]:
    """The contrasts of the controlled comparison that have an interval, by model, head and name."""
    return {
        (model, head, contrast_name(*pair)): value
        for model, results in {model: fair_results(runs, model) for model in FAIR_MODELS}.items()
        for pair in CONTRASTS
        for head, arms in results.items()
        if (value := arm_difference(*(arms[arm] for arm in pair))) and value.interval
    }


def points(runs: Runs) -> list[tuple[str, Difference]]:
    """What the forest plot shows of the contrasts: the mean over the heads, or the only head of a model."""
    found = contrasts(runs)
    with_mean = {model for model, head, _ in found if head == 'mean'}
    return [
        (f'{model}: {name}' if head == 'mean' else f'{model}, {head}: {name}', value)
        for (model, head, name), value in found.items()
        if head == 'mean' or model not in with_mean
    ]


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path, nargs='?', help='work dir of a tools/reproduce.py')
    args = parser.parse_args()
    for name, lines in zip(('rows', 'fair'), run_lines(args.folder) if args.folder else ((), ()), strict=True):
        known = {run_key(run): run for run in [*read(name), *lines]}
        if lines:
            (ROOT / f'records/{name}.jsonl').write_text(''.join(json.dumps(known[key]) + '\n' for key in sorted(known)))
    for page, text in pages().items():
        page.write_text(text)
        print(page)
    shown = points(fair_runs(read('screen'), read('fair')))
    if shown:
        draw_differences(shown, 'top-1 accuracy').savefig(ROOT / 'docs/images/results.png', dpi=160)
