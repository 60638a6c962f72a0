"""The tables and the picture of docs/results.md, from the records beside it:  python benchmarks/results.py"""

import json
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from statistics import fmean

from lcv_mm.reproduce.record import read_records
from lcv_mm.reproduce.report.plots import draw_differences
from lcv_mm.reproduce.report.run_groups import Run, RunGroup, Sample

DOCS = Path(__file__).parents[1] / 'docs'
# of each dataset the archive of its records, and how the names of its configs end
DATA = {
    'flowers': ('flowers', 'vgg16_flower112'),
    'warblers': ('warblers', 'vgg16_warblers112'),
    'drawn birds': ('birdlets', 'resnet18_birdlets64'),
}
HEADS = ('cbp', 'hbp', 'bcnn')
KINDS = ('pointing', 'energy')

Arms = tuple[str, RunGroup, RunGroup, RunGroup]
Localised = Mapping[str, Mapping[str, float]]  # map -> 'pointing', 'energy': what benchmarks/localisation.py writes


def read_groups(data: str) -> dict[str, RunGroup]:
    """All runs of a dataset by the config; those in mixed precision and in float32 together, which the report parts.

    Raises:
        ValueError: If seeds of one config were trained with different losses.
    """
    found: dict[str, RunGroup] = {}
    archive, _ = DATA[data]
    with tempfile.TemporaryDirectory() as folder, tarfile.open(DOCS / f'{archive}.tar.xz') as file:
        file.extractall(folder, filter='data')
        for run in (Run(*one) for one in read_records(Path(folder))):
            group = found.setdefault(run.record.config, RunGroup(run.record.config, run.setting, {}))
            group.runs[run.record.seed] = run
            if len({other.loss for other in group.runs.values()}) > 1:
                raise ValueError(
                    f'{archive}.tar.xz: expected one loss for all seeds of {group.config}, got {run.loss} too'
                )
    return found


def arms(data: str) -> list[Arms]:
    """Of each head: its name, the baseline, attention and balanced batches without the loss, and LCV."""
    groups, end = read_groups(data), DATA[data][1]
    found = []
    for head in HEADS:
        base, parts, lcv = (groups[name] for name in arm_names(head, end))
        found.append((head.upper(), base, parts, lcv))
    return found


def arm_names(head: str, end: str) -> tuple[str, str, str]:
    """The configs of a head: the baseline, attention and balanced batches without the loss, and LCV."""
    base = f'{head}_{end}'
    return base, f'{base}_attention_balanced', f'lcv_{base}'


def shown(values: Sample) -> str:
    """Three accuracies one by one, more as their mean."""
    return ', '.join(f'{value:.1f}' for value in (values if len(values) <= 3 else [values.mean]))


def difference(sample: Sample) -> str:
    """The mean with its interval, in bold type if that excludes 0."""
    if sample.interval is None:
        return f'{sample.mean:+.1f}'
    low, high = sample.interval
    bold = '**' * (not low <= 0 <= high)
    return f'{bold}{sample.mean:+.1f}{bold} ({low:+.1f} to {high:+.1f})'


def over_heads(pairs: Sequence[tuple[RunGroup, RunGroup]]) -> Sample:
    """Of each seed that all heads have in both groups, the mean over the heads of the first minus the second."""
    seeds = set.intersection(*({*one.records} & {*other.records} for one, other in pairs))
    return Sample(
        fmean(one.records[seed].result - other.records[seed].result for one, other in pairs) for seed in sorted(seeds)
    )


def table(heads: Sequence[Arms]) -> list[str]:
    """The lines of a dataset's table: its heads, and the mean over them."""
    pairs = [((lcv, base), (lcv, parts), (parts, base)) for _, base, parts, lcv in heads]
    lines = [
        f'| {head} | {shown(base.result)} | {shown(parts.result)} | {shown(lcv.result)} '
        f'| {" | ".join(difference(one.minus(other)) for one, other in row)} |'
        for (head, base, parts, lcv), row in zip(heads, pairs, strict=True)
    ]
    means = (difference(over_heads(column)) for column in zip(*pairs, strict=True))
    return [*lines, f'| mean of the heads | | | | {" | ".join(means)} |']


def localisation(data: str) -> list[str]:
    """The lines of the table on where the maps point, of all heads."""
    archive, end = DATA[data]
    found: dict[str, dict[str, Localised]] = {}
    with tarfile.open(DOCS / f'{archive}.tar.xz') as file:
        for member in file:
            config, seed, *rest = PurePosixPath(member.name).parts
            if rest == ['localisation.json'] and (content := file.extractfile(member)):
                found.setdefault(config, {})[seed] = json.load(content)
    return [line for head in HEADS for line in localised(head.upper(), *(found[name] for name in arm_names(head, end)))]


def localised(
    head: str, base: Mapping[str, Localised], parts: Mapping[str, Localised], lcv: Mapping[str, Localised]
) -> list[str]:
    """The lines of a head, from what its three arms have of each seed: means, then differences paired by seed."""
    lines = []
    for label, arm in ((head, base), (f'attention and balanced batches on {head}', parts), (f'LCV on {head}', lcv)):
        cells = []
        for name in ('F', 'M', 'Grad-CAM'):
            values = [one[name] for one in arm.values() if name in one]  # without attention there is no M
            cells.append(', '.join(f'{fmean(v[kind] for v in values):.1f}' for kind in KINDS) if values else '')
        lines.append(f'| {label} | {" | ".join(cells)} |')
    for label, other in ((head, base), ('without the loss', parts)):
        for kind in KINDS:
            f, cam = (
                difference(Sample(lcv[seed][name][kind] - other[seed][name][kind] for seed in sorted(lcv)))
                for name in ('F', 'Grad-CAM')
            )
            lines.append(f'| LCV - {label}, {kind} | {f} | | {cam} |')
    return lines


if __name__ == '__main__':
    differences = []
    for data in DATA:
        heads = arms(data)
        print(data, *table(heads), sep='\n')
        for head, base, _, lcv in heads:
            sample = lcv.minus(base)
            seeds = f'{len(sample)} {"fold" if data == "flowers" else "seed"}{"s" * (len(sample) > 1)}'
            differences.append((f'{head} on {data}, {seeds}', sample))
        mean = over_heads([(lcv, base) for _, base, _, lcv in heads])
        differences.append((f'mean of the heads on {data}', mean))
    print('where the maps of warblers point', *localisation('warblers'), sep='\n')
    file = DOCS / 'images/results.png'
    draw_differences(differences, 'top-1 accuracy, LCV - baseline').savefig(file, dpi=200)
    print(file)
