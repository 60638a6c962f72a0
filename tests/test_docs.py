"""The pages can be read as Markdown."""

import re
from itertools import groupby
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob('*.md'), *ROOT.glob('docs/*.md'), ROOT / 'configs/README.md']


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_table_has_its_heading(page):
    lines = page.read_text().splitlines()
    for is_table, block in groupby(lines, lambda line: line.startswith('|')):
        _, second = [*block, ''][:2]
        assert not is_table or re.fullmatch(r'\|(:?-+:?\|)+', second)
