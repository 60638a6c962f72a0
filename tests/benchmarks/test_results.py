"""The tables of docs/results.md are what the records beside it give; Student's interval is tested with the report."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = runpy.run_path(str(ROOT / 'benchmarks/results.py'))


def test_the_differences_are_those_of_common_seeds():
    assert RESULTS['minus']({1: 70.0, 2: 75.0, 4: 80.0}, {2: 71.0, 3: 0.0, 4: 82.0}) == (4.0, -2.0)


@pytest.mark.parametrize('data', RESULTS['DATA'])
def test_the_page_holds_the_table_of_the_records(data):
    lines = RESULTS['table'](data)
    assert len(lines) == 3
    assert [line for line in lines if line not in (ROOT / 'docs/results.md').read_text().splitlines()] == []
