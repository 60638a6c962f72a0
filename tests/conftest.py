"""Its place puts `tests/` on the path, so that a test imports the shared `layouts` by that name."""

import contextlib
import gc
import io
import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import Any

import pytest
import torch
from chromium import start_chromium
from file_server import FileServer
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from mmengine.runner import CheckpointLoader

from lcv_mm.engine import load_checkpoints_safely


def pytest_collection_finish() -> None:
    """MMEngine collects garbage for each dataset it builds: without this, it goes over all that was imported."""
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that the short ones fill what is left of the last process's time."""
    slow = {item.path for item in items if item.get_closest_marker('slow')}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def no_scope_left_behind() -> Iterator[None]:
    """A Runner sets a scope for the whole process; in the next test bare names would be searched there alone.

    And a logger by its config and second: another Runner within that second would write no log of its own.
    """
    torch.manual_seed(0)  # a test draws the same numbers alone and after others
    yield
    DefaultScope._instance_dict.clear()
    MMLogger._instance_dict.clear()


@pytest.fixture
def caplog_mmengine() -> Iterator[Callable[[], str]]:
    """What MMEngine's current logger has said in this test; it propagates nothing to pytest's `caplog`."""
    logger, handler = MMLogger.get_current_instance(), BufferingHandler(10000)
    logger.addHandler(handler)
    yield lambda: '\n'.join(record.getMessage() for record in handler.buffer)
    logger.removeHandler(handler)


@pytest.fixture
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """How checkpoints are loaded, given back after the test."""
    monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '0')
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '0')
    monkeypatch.setattr(CheckpointLoader, '_schemes', CheckpointLoader._schemes.copy())
    allowed = list(torch.serialization.get_safe_globals())
    yield
    torch.serialization.clear_safe_globals()
    torch.serialization.add_safe_globals(allowed)


@pytest.fixture
def safe_checkpoints(as_before: None) -> None:
    """Checkpoints are loaded as in the tools; without it no run can be resumed with the official release."""
    load_checkpoints_safely()


@pytest.fixture
def run_here(as_before: None, monkeypatch) -> Iterator[Callable[..., subprocess.CompletedProcess]]:
    """Runs a command of tools/ in this process, where the imports are done; an error with a traceback is raised."""
    environment = dict(os.environ)

    def run_here(tool: str, *args: object, check: bool = True) -> subprocess.CompletedProcess:
        file = str(Path(__file__).parents[1] / f'tools/{tool}.py')
        monkeypatch.setattr(sys, 'argv', [file, *map(str, args)])
        code: object = 0
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            try:
                runpy.run_path(file, run_name='__main__')
            except SystemExit as end:
                code = end.code or 0
        message = str(code) if isinstance(code, str) else ''
        assert not (check and code), message or err.getvalue()
        return subprocess.CompletedProcess(args, 1 if message else code, out.getvalue(), err.getvalue() + message)

    yield run_here
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture
def server(monkeypatch) -> Iterator[FileServer]:
    monkeypatch.setenv('NO_PROXY', '127.0.0.1')
    with FileServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Path]:
    """torch.hub's folder for downloads, empty."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path / 'hub'))
    yield tmp_path / 'hub' / 'checkpoints'
    torch.hub.set_dir(before)


@pytest.fixture(scope='session')
def chromium(tmp_path_factory) -> Iterator[Any]:
    """One browser for all tests of pages."""
    driver = start_chromium(tmp_path_factory.mktemp('profile'))
    yield driver
    driver.quit()
