"""The report's page in a real browser: its tables against the Markdown, on a phone and a desktop, dark and light."""

from pathlib import Path
from typing import Any

import pytest
from chromium import show
from markdown_it import MarkdownIt
from report_folders import add_everything

from lcv_mm.reproduce.report import write_report

pytestmark = pytest.mark.slow

# All texts of the body, with the contrast of each to the nearest background behind it (WCAG 2, relative luminance).
CONTRASTS = """
const channels = colour => colour.match(/[\\d.]+/g).map(Number);
const luminance = colour => {
  const [r, g, b] = channels(colour).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = element => {
  for (; element; element = element.parentElement) {
    const colour = getComputedStyle(element).backgroundColor, parts = channels(colour);
    if (parts.length < 4 || parts[3] > 0) return colour;
  }
  return 'rgb(255, 255, 255)';
};
const found = [];
for (const element of document.querySelectorAll('body, body *:not(style)')) {
  const own = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (!own || !element.getClientRects().length) continue;
  const style = getComputedStyle(element);
  const [a, b] = [luminance(style.color), luminance(behind(element))].sort((x, y) => y - x);
  found.push([element.tagName, element.textContent.trim().slice(0, 40), (a + 0.05) / (b + 0.05)]);
}
return found;
"""
TABLES = """
return [...document.querySelectorAll('table')].map(table => [...table.rows].map(row => [...row.cells].map(
  cell => cell.innerText.trim()
)));
"""


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory) -> Path:
    """Runs of every kind, and their report."""
    folder = tmp_path_factory.mktemp('work_dirs')
    add_everything(folder)
    write_report(folder)
    return folder


@pytest.fixture(scope='module')
def browser(chromium, work_dir) -> Any:
    """Chromium with the page open."""
    chromium.get((work_dir / 'report.html').as_uri())
    return chromium


def test_the_page_shows_the_tables_of_the_markdown_with_captions_and_headings(browser, work_dir):
    """That those hold what the records do is shown in test_report.py."""
    shown = browser.execute_script(TABLES)
    captions = browser.execute_script('return [...document.querySelectorAll("caption")].map(c => c.innerText)')
    heads = browser.execute_script('return [...document.querySelectorAll("th[scope]")].length')
    markdown = MarkdownIt('commonmark').enable('table').render((work_dir / 'report.md').read_text())
    browser.execute_script('document.body.innerHTML = arguments[0]', markdown)
    assert browser.execute_script(TABLES) == shown
    assert heads == sum(len(head) + len(rows) for head, *rows in shown)
    titles = browser.execute_script('return [...document.querySelectorAll("strong")].map(title => title.innerText)')
    assert titles == captions
    assert sum("(drawn images, not the paper's)" in caption for caption in captions) == 2
    assert len(shown) == 4 + 1 + 2 + 1 + 2
    browser.refresh()


@pytest.mark.parametrize('width', [360, 768, 1200])
def test_nothing_scrolls_sideways_but_the_tables(width, browser):
    show(browser, width, 740)
    root, client = browser.execute_script(
        'const page = document.documentElement; return [page.scrollWidth, page.clientWidth]'
    )
    assert root <= client == pytest.approx(width, abs=20)
    # what is wider than its box can be reached
    wide = browser.execute_script(
        'return [...document.querySelectorAll("table")].filter(t => t.scrollWidth > t.parentElement.clientWidth)'
        '.map(t => getComputedStyle(t.parentElement).overflowX)'
    )
    assert set(wide) <= {'auto'}
    assert bool(wide) or width > 360


@pytest.mark.parametrize('scheme', ['dark', 'light'])
def test_text_stands_out_from_its_background(scheme, browser):
    show(browser, 360, 740, scheme)
    texts = browser.execute_script(CONTRASTS)
    assert {'P', 'TH', 'TD', 'CODE', 'A', 'DIV', 'FIGCAPTION'} <= {tag for tag, _, _ in texts}
    assert [text for text in texts if text[2] < 4.5] == []
    light = browser.execute_script('return getComputedStyle(document.body).backgroundColor') == 'rgb(255, 255, 255)'
    assert light == (scheme == 'light')


@pytest.mark.parametrize('width', [360, 1200])
def test_each_picture_is_there(width, browser):
    show(browser, width, 740)
    pictures = browser.execute_script(
        'return [...document.querySelectorAll("figure img")].map(image => [image.alt, image.complete, '
        'image.naturalWidth, image.getBoundingClientRect().toJSON()])'
    )
    # the comparisons; accuracy and distances of BCNN on CUB, and of BCNN and CBP on Birdlets
    assert len(pictures) == 1 + 2 * 3
    for alt, complete, natural_width, box in pictures:
        assert alt
        assert complete
        assert natural_width > 0, alt  # 0: the browser can't read it
        assert box['width'] > 250, alt
        assert box['height'] > 100, alt


def test_the_browser_finds_nothing_wrong(browser):
    browser.refresh()
    assert browser.get_log('browser') == []
    loaded = browser.execute_script('return performance.getEntriesByType("resource").map(entry => entry.name)')
    assert [name for name in loaded if not name.startswith('data:')] == []
