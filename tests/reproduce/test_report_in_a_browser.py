"""The report's page in a real browser: its numbers against the records, on a phone and a desktop, dark and light."""

import os
import shutil
import statistics
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from report_folders import add_everything
from scipy.stats import ttest_1samp

from lcv_mm.paper import read_comparisons, read_rows
from lcv_mm.reproduce.record import Record, read_records
from lcv_mm.reproduce.report import write_report

pytestmark = pytest.mark.slow

MINUS = '\N{MINUS SIGN}'
SWITCHES = [
    *('--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'),
    *('--disable-component-update', '--disable-sync'),
]
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
ROWS = """
return [...document.querySelectorAll('tbody tr')].map(row => [
  row.closest('section').id, row.closest('table').caption.innerText, {...row.dataset},
  Object.fromEntries([...row.closest('table').tHead.rows[0].cells].map(
    (head, place) => [head.innerText, row.cells[place].childNodes[0]?.textContent ?? '']
  ))
]);
"""


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory) -> Path:
    """Runs of every kind, and their report."""
    folder = tmp_path_factory.mktemp('work_dirs')
    add_everything(folder)
    write_report(folder)
    return folder


@pytest.fixture(scope='module')
def records(work_dir) -> list[Record]:
    """What the page is held against."""
    return [record for _, record in read_records(work_dir)]


@pytest.fixture(scope='module')
def browser(work_dir, tmp_path_factory) -> Iterator:
    """Chromium with the page open."""
    missing = [name for name in ('chromium', 'chromedriver') if shutil.which(name) is None]
    missing += [] if find_spec('selenium') else ['selenium']
    if missing:
        reason = f'not found: {", ".join(missing)}; apt-get install chromium chromium-driver, pip install selenium'
        pytest.fail(reason) if os.environ.get('CI') else pytest.skip(reason)
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which('chromium')
    for switch in (*SWITCHES, f'--user-data-dir={tmp_path_factory.mktemp("profile")}'):
        options.add_argument(switch)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    # given its driver, selenium looks for none to download
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which('chromedriver')))
    driver.get((work_dir / 'report.html').as_uri())
    yield driver
    driver.quit()


def show(browser, width: int, height: int, scheme: str = 'light') -> None:
    size = dict(width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
    browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', size)
    feature = dict(name='prefers-color-scheme', value=scheme)
    browser.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(features=[feature]))
    assert browser.execute_script(f'return matchMedia("(prefers-color-scheme: {scheme})").matches')


def top1(records: list[Record], config: str, data: str) -> dict[int, float]:
    """Accuracies by seed of the finished runs of a config as it stands."""
    return {
        record.seed: record.metrics['accuracy/top1']
        for record in records
        if (record.config, record.data, record.status, dict(record.options)) == (config, data, 'finished', {})
    }


def rows(browser, section: str, caption: str = '') -> dict[str, dict[str, str]]:
    """Shown cells by heading, of each row of a section's table by its config."""
    return {
        data['config']: {head.replace(MINUS, '-'): text.replace(MINUS, '-') for head, text in cells.items()}
        for place, title, data, cells in browser.execute_script(ROWS)
        if place == section and title.startswith(caption)
    }


def shown(values: list[float], sign: str = '') -> str:
    spread = f' ± {statistics.stdev(values):.2f}' if len(values) > 1 else ''
    return f'{statistics.mean(values):{sign}.2f}{spread} ({len(values)} seed{"s" if len(values) > 1 else ""})'


def test_the_tables_of_the_paper_show_what_the_records_hold(browser, records):
    show(browser, 1200, 900)
    page = {table: rows(browser, f'table-{table}') for table in (1, 2, 3, 4)}
    seen = []
    for row in read_rows():
        cells = page[row.table][row.config]
        assert cells['paper'] == f'{row.top1:.2f}'
        values = top1(records, row.config, 'real')
        if not values:
            assert cells['reached'] == ('not comparable' if row.quoted else 'not run')
            continue
        seen.append(row.config)
        assert cells['reached'].removesuffix(', amp') == shown(list(values.values()))
        assert float(cells['reached - paper']) == pytest.approx(statistics.mean(values.values()) - row.top1, abs=0.005)
        baseline = top1(records, row.config.removeprefix('lcv_'), 'real')
        if row.config.startswith('lcv_'):
            differences = [values[seed] - baseline[seed] for seed in values]
            assert cells['LCV - baseline, reached'] == shown(differences, '+')
    assert seen == ['bcnn_vgg16_cub448', 'lcv_bcnn_vgg16_cub448', 'cbp_vgg16_cub448']
    assert page[1]['cbp_vgg16_cub448']['reached'].endswith(', amp')
    assert sum(map(len, page.values())) == len(read_rows())


def test_runs_on_drawn_images_are_in_their_section_alone(browser, records):
    show(browser, 1200, 900)
    page = rows(browser, 'rehearsal', 'Accuracies')
    drawn = {record.config for record in records if record.data == 'generated'}
    assert page.keys() == drawn
    for config, cells in page.items():
        values = list(top1(records, config, 'generated').values())
        mean = statistics.mean(values)
        assert cells['top-1 (%)'] == shown(values)
        assert cells['standard error of one accuracy'] == f'± {(mean * (100 - mean) / 400) ** 0.5:.2f}'
    for place, title, data, _ in browser.execute_script(ROWS):
        if data['config'] in drawn:
            assert place in ('rehearsal', 'origin')
        if place == 'rehearsal':
            assert "drawn images, not the paper's" in title


def test_the_comparisons_show_what_the_records_hold(browser, records):
    show(browser, 1200, 900)
    page = rows(browser, 'rehearsal', 'Comparisons')
    seen = set()
    for comparison in read_comparisons():
        ours, other = (top1(records, name, 'generated') for name in (comparison.config, comparison.against))
        differences = [ours[seed] - other[seed] for seed in ours.keys() & other.keys()]
        if not differences:
            continue
        seen.add(comparison.config)
        cells = page[comparison.config]
        assert cells['question'] == comparison.question
        assert cells['difference of top-1 (points)'] == shown(differences, '+')
        if len(differences) > 1:
            interval = ttest_1samp(differences, 0).confidence_interval(0.95)
            assert cells['95 % interval'] == f'{interval.low:+.2f} to {interval.high:+.2f}'
    assert page.keys() == seen
    assert len(seen) == 4


def test_a_failed_run_is_named_and_its_error_is_text(browser, records):
    (failed,) = [record for record in records if record.status == 'failed']
    assert rows(browser, 'failed') == {failed.config: dict(config=failed.config, seed='1', error=failed.error)}


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
    assert {'P', 'TH', 'TD', 'CODE', 'A', 'SPAN', 'LI'} <= {tag for tag, _, _ in texts}
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
    # paper against reached and the comparisons; accuracy and distances of BCNN on CUB, and of BCNN and CBP on Birdlets
    assert len(pictures) == 2 + 2 * 3
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
