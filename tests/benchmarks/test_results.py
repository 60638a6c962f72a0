"""The tables of docs/results.md are what the records give, and their statistics are right."""

import math
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = runpy.run_path(str(ROOT / 'benchmarks/results.py'))


def test_the_page_holds_the_tables_of_the_records():
    page = (ROOT / 'docs/results.md').read_text()
    assert RESULTS['written'](page) == page, 'run benchmarks/results.py'


def test_a_difference_has_welchs_interval():
    # means 3 and 1, variances 1 and 4 of 3 and 2 values: error of the difference (1/3 + 4/2)^0.5, degrees of freedom
    # (7/3)^2 / ((1/3)^2 / 2 + 2^2 / 1) = 1.3425
    mean, low, high, p = RESULTS['difference']([2.0, 3.0, 4.0], [1 - 2**0.5, 1 + 2**0.5])
    assert mean == pytest.approx(2)
    assert (low + high) / 2 == pytest.approx(2)
    error, freedom = math.sqrt(7 / 3), (7 / 3) ** 2 / (1 / 18 + 4)
    assert freedom == pytest.approx(1.3425, abs=1e-4)
    assert area_beyond((high - 2) / error, freedom) == pytest.approx(0.05, abs=1e-3)
    assert area_beyond(2 / error, freedom) == pytest.approx(p, abs=1e-3)


def area_beyond(t: float, freedom: float) -> float:
    """Both tails of Student's t, by summing its density to where the heavy tail is left to its power law."""
    scale = math.gamma((freedom + 1) / 2) / (math.sqrt(freedom * math.pi) * math.gamma(freedom / 2))
    inside, step = 0.0, 1e-4
    for i in range(round(t / step)):
        inside += step * scale * (1 + ((i + 0.5) * step) ** 2 / freedom) ** (-(freedom + 1) / 2)
    return 1 - 2 * inside


def test_holm_multiplies_the_smallest_most_and_keeps_the_order():
    # 0.01 * 3, then 0.03 * 2, then the larger of 0.04 * 1 and the one before
    assert RESULTS['holm']({'a': 0.01, 'b': 0.04, 'c': 0.03}) == pytest.approx({'a': 0.03, 'c': 0.06, 'b': 0.06})
    assert RESULTS['holm']({'a': 0.6, 'b': 0.7}) == {'a': 1.0, 'b': 1.0}


def test_an_arm_is_compared_with_the_baseline_where_both_have_several_runs():
    def run(arm: str, top1: float) -> dict:
        return dict(arm=arm, top1=top1, cross_entropy=0.5)

    runs = [run('baseline', 70.0), run('baseline', 72.0), run('lcv', 73.0), run('lcv', 75.0), run('attention', 60.0)]
    baseline, attention, lcv = RESULTS['screen_table'](runs)
    assert baseline == '| baseline | 2 | 71.0 ± 1.4 | 0.50 | | |'
    assert attention == '| attention | 1 | 60.0 | 0.50 | | |'
    # 3 +- 4.303 * 2^0.5 (Student's t of two degrees of freedom, 97.5 %); p of t = 3 / 2^0.5
    assert lcv.endswith('| 2 | 74.0 ± 1.4 | 0.50 | +3.0 (-3.1 to +9.1) | 0.17 |')
