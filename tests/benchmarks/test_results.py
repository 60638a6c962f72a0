"""docs/results.md is what the records give."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = runpy.run_path(str(ROOT / 'benchmarks/results.py'))


def test_the_page_holds_the_tables_of_the_records():
    page = (ROOT / 'docs/results.md').read_text()
    assert RESULTS['written'](page) == page, 'run benchmarks/results.py'


def test_an_arm_is_compared_with_the_baseline_of_its_head_where_both_have_three_runs():
    def runs(head: str, arm: str, *top1: float) -> list[dict]:
        return [dict(config=f'{head}_vgg16', arm=arm, top1=value, cross_entropy=0.5) for value in top1]

    of_cbp = [*runs('cbp', 'baseline', 70, 71, 72), *runs('cbp', 'lcv', 73, 74, 75), *runs('cbp', 'attention', 60)]
    baseline, attention, lcv = RESULTS['screen_table']([*of_cbp, *runs('hbp', 'baseline', 10, 11, 12)])[:3]
    assert list(baseline.values()) == ['CBP', 'baseline', '3', '71.0 ± 1.0', '0.50', '', '']
    assert list(attention.values())[3:] == ['60.0', '0.50', '', '']
    # equal variances: 3 ± 2.776 (Student's t of four degrees of freedom) * (2 / 3)^0.5; t = 3 / (2 / 3)^0.5
    assert list(lcv.values())[3:] == ['74.0 ± 1.0', '0.50', '**+3.0** (+0.7 to +5.3)', '0.02']
    assert [label for label, _ in RESULTS['points'](of_cbp)] == [
        "CBP: attention, balanced batches, the paper's sum (LCV) - baseline"
    ]
