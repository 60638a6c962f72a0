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


def test_the_page_holds_the_table_of_where_the_maps_point():
    lines = RESULTS['localisation']('warblers')
    assert len(lines) == 21  # of three heads three arms, and two measures of two differences
    assert [line for line in lines if line not in (ROOT / 'docs/results.md').read_text().splitlines()] == []


def test_where_the_maps_point_is_a_mean_over_seeds_and_a_difference_within_them():
    def of(f: tuple[float, float], cam: tuple[float, float]) -> dict[str, dict[str, float]]:
        return {name: dict(pointing=value[0], energy=value[1]) for name, value in (('F', f), ('Grad-CAM', cam))}

    base = dict(seed_1=of((90, 60), (50, 40)), seed_2=of((80, 70), (70, 50)))
    parts = dict(seed_2=of((88, 70), (70, 50)), seed_1=of((90, 60), (51, 40)))
    # seed 1 minus the baseline's: 2, 3, 4, 5; seed 2: the same
    lcv = dict(seed_2=of((82, 73), (74, 55)), seed_1=of((92, 63), (54, 45)))
    assert RESULTS['localised']('CBP', base, parts, lcv) == [
        '| CBP | 85.0, 65.0 |  | 60.0, 45.0 |',
        '| attention and balanced batches on CBP | 89.0, 65.0 |  | 60.5, 45.0 |',
        '| LCV on CBP | 87.0, 68.0 |  | 64.0, 50.0 |',
        '| LCV - CBP, pointing | **+2.0** (+2.0 to +2.0) | | **+4.0** (+4.0 to +4.0) |',
        '| LCV - CBP, energy | **+3.0** (+3.0 to +3.0) | | **+5.0** (+5.0 to +5.0) |',
        # 2 and -6: -2 +- 12.71 * 4; 3 and 4: 3.5 +- 12.71 * 0.5 (Student's t of one degree of freedom, 97.5 %)
        '| LCV - without the loss, pointing | -2.0 (-52.8 to +48.8) | | +3.5 (-2.9 to +9.9) |',
        '| LCV - without the loss, energy | **+3.0** (+3.0 to +3.0) | | **+5.0** (+5.0 to +5.0) |',
    ]


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
