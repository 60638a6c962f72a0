"""A real browser for the tests of pages: `from chromium import show`; its fixture is in conftest.py."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

SWITCHES = [
    *('--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'),
    *('--disable-component-update', '--disable-sync'),
]


def start_chromium(profile: Path) -> Any:
    """Selenium's driver; without a browser the test is skipped, and fails in CI."""
    missing = [name for name in ('chromium', 'chromedriver') if shutil.which(name) is None]
    missing += [] if find_spec('selenium') else ['selenium']
    if missing:
        reason = f'not found: {", ".join(missing)}; apt-get install chromium chromium-driver, pip install selenium'
        pytest.fail(reason) if os.environ.get('CI') else pytest.skip(reason)
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which('chromium')
    for switch in (*SWITCHES, f'--user-data-dir={profile}'):
        options.add_argument(switch)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    # given its driver, selenium looks for none to download
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which('chromedriver')))


def show(browser: Any, width: int, height: int, scheme: str = 'light') -> None:
    """Make the window so large, with a light or a dark page."""
    size = dict(width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
    browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', size)
    feature = dict(name='prefers-color-scheme', value=scheme)
    browser.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(features=[feature]))
    assert browser.execute_script(f'return matchMedia("(prefers-color-scheme: {scheme})").matches')
