"""The tables of docs/results.md are what the records beside it give; how pairs are made is tested with the report."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = runpy.run_path(str(ROOT / 'benchmarks/results.py'))


@pytest.mark.parametrize('data', RESULTS['DATA'])
def test_the_page_holds_the_table_of_the_records(data):
    lines = RESULTS['table'](RESULTS['arms'](data))
    assert len(lines) == 3
    assert [line for line in lines if line not in (ROOT / 'docs/results.md').read_text().splitlines()] == []
