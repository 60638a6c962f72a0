"""The table of docs/bad_input.md: what each invalid input prints, and that real bugs keep their traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from bad_input import table
from bad_input_cases import CASES, ROOT, Case

pytestmark = pytest.mark.slow


def python(*args: object, **env: str) -> subprocess.CompletedProcess:
    command = [sys.executable, '-W', 'ignore', *map(str, args)]
    environment = {**os.environ, **env}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False, env=environment)


@pytest.fixture(scope='module')
def messages(tmp_path_factory) -> dict[str, dict]:
    """What each case prints: all in one process of their own, which the tools change (environment, torch.load)."""
    file = tmp_path_factory.mktemp('bad_input') / 'messages.json'
    done = python('tests/bad_input.py', file)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(file.read_text())


def test_there_are_at_least_60_invalid_inputs():
    assert len({case.wrong for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize('case', CASES, ids=lambda case: case.wrong)
def test_each_row_of_the_table_says_what_was_expected_what_came_and_what_to_do(case: Case, messages):
    if case.needs_no_gpu and torch.cuda.is_available():
        pytest.skip('wrong only without a GPU')
    code, message = messages[case.wrong]['code'], messages[case.wrong]['message']
    assert code == 1
    assert message.startswith('error: ')
    assert message.count('error: ') == 1
    assert 'Traceback' not in message
    for part in case.says:
        assert part in message


def test_the_docs_hold_the_messages_that_come_now(messages):
    if torch.cuda.is_available():
        pytest.skip('some rows are wrong only without a GPU')
    assert (ROOT / 'docs/bad_input.md').read_text() == table(messages), (
        'run python tests/bad_input.py docs/bad_input.md'
    )


@pytest.mark.parametrize('shown', [False, True])
def test_a_command_ends_with_the_message_and_exit_code_1_and_a_traceback_on_demand(shown):
    done = python('tools/train.py', 'configs/nowhere.py', LCV_MM_TRACEBACK=str(int(shown)))
    assert done.returncode == 1
    assert ('Traceback' in done.stderr) == shown
    assert 'configs/nowhere.py: no such config file' in done.stderr.strip().splitlines()[-1]


def test_a_bug_in_a_users_part_keeps_its_traceback(tmp_path: Path):
    (tmp_path / 'my_part.py').write_text(
        'from mmengine.hooks import Hook\n\n\nclass Broken(Hook):\n'
        "    def __init__(self):\n        self.number = int('a')\n"
    )
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    (tmp_path / 'c.py').write_text(
        'from mmengine.config import read_base\n\nwith read_base():\n'
        '    from .configs.lcv_cbp_resnet18_birdlets import *\n'
        "custom_hooks = [dict(type='my_part.Broken')]\n"
        f"train_dataloader['dataset']['data_root'] = {str(tmp_path / 'birdlets')!r}\n"
        f"val_dataloader['dataset']['data_root'] = {str(tmp_path / 'birdlets')!r}\n"
    )
    small = [f'{loader}.dataset.{key}={value}' for loader in ('train_dataloader', 'val_dataloader')
             for key, value in (('train_per_class', 2), ('test_per_class', 1), ('image_size', 32))]  # fmt: skip
    done = python('tools/train.py', tmp_path / 'c.py', '--work-dir', tmp_path / 'work', '--cfg-options', *small,
                  PYTHONPATH=str(tmp_path))  # fmt: skip
    assert done.returncode == 1
    assert "invalid literal for int() with base 10: 'a'" in done.stderr
    assert 'Traceback' in done.stderr
