"""The table of docs/bad_input.md: what each invalid input prints, and that bugs keep their traceback."""

import json

import pytest
import torch
from bad_input import table
from bad_input_cases import CASES as GROUPS
from bad_input_cases import ROOT, Case
from tiny_run import run_python, tiny_options

pytestmark = pytest.mark.slow

CASES = [case for cases in GROUPS.values() for case in cases]
CONFIG = 'configs/lcv_cbp_resnet18_birdlets.py'


@pytest.fixture(scope='module')
def messages(tmp_path_factory) -> dict[str, dict]:
    """What each case prints: all in one process of their own, which the tools change (environment, torch.load)."""
    file = tmp_path_factory.mktemp('bad_input') / 'messages.json'
    run_python('tests/bad_input.py', file)
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


@pytest.mark.parametrize('case', [case for case in CASES if case.fix], ids=lambda case: case.wrong)
def test_who_does_what_the_message_says_gets_a_run_that_works(case: Case, messages):
    assert messages[case.wrong]['advised'] == dict(code=0, message='no error')


def test_the_docs_hold_the_table():
    assert (ROOT / 'docs/bad_input.md').read_text() == table(), 'run python tests/bad_input.py docs/bad_input.md'


@pytest.mark.parametrize('traceback', ['0', '1'])
def test_a_command_ends_with_the_message_alone_and_exit_code_1_and_shows_the_traceback_on_demand(traceback):
    done = run_python('tools/train.py', 'configs/nowhere.py', check=False, LCV_MM_TRACEBACK=traceback)
    assert done.returncode == 1
    assert ('Traceback' in done.stderr) == (traceback == '1')
    assert 'configs/nowhere.py: no such config file' in done.stderr.strip().splitlines()[-1]


def test_a_bug_in_a_users_part_keeps_its_traceback(tmp_path, monkeypatch, run_here):
    (tmp_path / 'my_part.py').write_text(
        'from mmengine.hooks import Hook\n\n\nclass Broken(Hook):\n'
        "    def __init__(self):\n        self.number = int('a')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    small = [*tiny_options(tmp_path / 'birdlets'), 'default_hooks.mine.type=my_part.Broken']
    with pytest.raises(ValueError, match="invalid literal for int.. with base 10: 'a'"):
        run_here('train', ROOT / CONFIG, '--work-dir', tmp_path / 'work', '--cfg-options', *small)
