"""The tables of docs/results.md are what the records beside it give; how pairs are made is tested with the report."""

import runpy
from pathlib import Path

import pytest

from lcv_mm.reproduce.record import Record
from lcv_mm.reproduce.report.run_groups import Run, RunGroup

ROOT = Path(__file__).parents[2]
RESULTS = runpy.run_path(str(ROOT / 'benchmarks/results.py'))


@pytest.mark.parametrize('data', RESULTS['DATA'])
def test_the_page_holds_the_table_of_the_records(data):
    lines = RESULTS['table'](RESULTS['arms'](data))
    assert len(lines) == 4  # three heads and their mean
    assert [line for line in lines if line not in (ROOT / 'docs/results.md').read_text().splitlines()] == []


def group(**results: float) -> RunGroup:
    """Runs with these accuracies, `s3=50.0` being that of seed 3."""
    runs = {}
    for name, value in results.items():
        seed = int(name[1:])
        record = Record('cbp', seed, 'finished', 'real', 'CUB200', {}, {}, amp=False, metrics={'accuracy/top1': value})
        runs[seed] = Run(Path(), record)
    return RunGroup('cbp', next(iter(runs.values())).setting, runs)


def test_the_mean_of_the_heads_takes_the_seeds_that_all_have():
    first = group(s1=60.0, s2=61.0, s3=70.0), group(s1=50.0, s2=55.0, s3=50.0)
    second = group(s4=9.0, s2=38.0, s1=44.0), group(s2=40.0, s1=40.0)
    # seed 1: (10 + 4) / 2, seed 2: (6 - 2) / 2; 3 and 4 are not in all groups
    assert RESULTS['over_heads']([first, second]) == (7.0, 2.0)
