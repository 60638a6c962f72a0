"""The tables and the picture of docs/results.md, from the records beside it:  python benchmarks/results.py"""

import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lcv_mm.reproduce.record import read_records
from lcv_mm.reproduce.report.plots import draw_differences
from lcv_mm.reproduce.report.run_groups import Sample

DOCS = Path(__file__).parents[1] / 'docs'
# of each dataset the archive of its records, and how the names of its configs end
DATA = {
    'flowers': ('flowers', 'vgg16_flower112'),
    'warblers': ('warblers', 'vgg16_warblers112'),
    'drawn birds': ('birdlets', 'resnet18_birdlets64'),
}
Results = dict[int, float]  # top-1 in %, by the seed


def read_results(archive: str) -> dict[str, Results]:
    """Results of all runs in an archive of records, by the config."""
    found: dict[str, Results] = {}
    with tempfile.TemporaryDirectory() as folder, tarfile.open(DOCS / f'{archive}.tar.xz') as file:
        file.extractall(folder, filter='data')
        for _, record in read_records(Path(folder)):
            found.setdefault(record.config, {})[record.seed] = record.result
    return found


def minus(ours: Results, theirs: Results) -> Sample:
    """Differences of the seeds that both have."""
    return Sample(ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys()))


def pairs(data: str) -> Iterator[tuple[str, Results, Results, Results]]:
    """Of each head: its name, the baseline, attention and balanced batches without the loss, and LCV."""
    archive, end = DATA[data]
    results = read_results(archive)
    for head in ('cbp', 'hbp', 'bcnn'):
        base = f'{head}_{end}'
        yield head.upper(), *(results.get(name, {}) for name in (base, f'{base}_attention_balanced', f'lcv_{base}'))


def shown(results: Results) -> str:
    """Three accuracies one by one, more as their mean."""
    values = [value for _, value in sorted(results.items())]
    return ', '.join(f'{value:.1f}' for value in (values if len(values) <= 3 else [sum(values) / len(values)]))


def difference(sample: Sample) -> str:
    """The mean with its interval, in bold type if that excludes 0."""
    if not sample or sample.interval is None:
        return f'{sample.mean:+.1f}' if sample else ''
    low, high = sample.interval
    bold = '**' * (not low <= 0 <= high)
    return f'{bold}{sample.mean:+.1f}{bold} ({low:+.1f} to {high:+.1f})'


def table(data: str) -> list[str]:
    """The lines of a dataset's table."""
    return [
        f'| {head} | {shown(base)} | {shown(parts)} | {shown(lcv)} | {difference(minus(lcv, base))} '
        f'| {difference(minus(lcv, parts))} | {difference(minus(parts, base))} |'
        for head, base, parts, lcv in pairs(data)
    ]


if __name__ == '__main__':
    differences = []
    for data in DATA:
        print(data, *table(data), sep='\n')
        for head, base, _, lcv in pairs(data):
            sample = minus(lcv, base)
            seeds = f'{len(sample)} {"fold" if data == "flowers" else "seed"}{"s" * (len(sample) > 1)}'
            differences.append((f'{head} on {data}, {seeds}', sample))
    file = DOCS / 'images/results.png'
    draw_differences(differences, 'top-1 accuracy, LCV - baseline').savefig(file, dpi=200)
    print(file)
