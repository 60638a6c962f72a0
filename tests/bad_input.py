"""Runs each invalid input through the tool that a user would run, in one process.

python tests/bad_input.py messages.json       what each prints, and the exit code
python tests/bad_input.py docs/bad_input.md   the table of the docs, written anew
"""

import contextlib
import importlib.util
import io
import json
import os
import re
import shutil
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path

from bad_input_cases import BASE, CASES, ROOT, TABLE, Case
from tiny_run import BIRDLETS, tiny_settings

from lcv_mm.datasets.birdlets import BirdletsSettings, generate_birdlets

HEAD = """# Invalid input

What a user can get wrong, and what `tools/train.py`, `tools/test.py` or `tools/reproduce.py` then prints: one message,
no traceback, exit code 1. `DIR` stands for a folder, `...` for words of Python or of the toolbox. The table is written
by `python tests/bad_input.py docs/bad_input.md` from what the tools print, and a test compares the two. With
`LCV_MM_TRACEBACK=1` in the environment the traceback is shown too; any other error may be a bug and always shows it.
"""


def settings(config: str, folder: Path) -> dict[str, object]:
    """Settings that make a config small enough for seconds."""
    # a name of its own: MMEngine's logger and visualizer are kept by name and second
    options = {
        'experiment_name': folder.name,
        **tiny_settings(folder / 'birdlets', dataset=BIRDLETS if config == BASE else {}),
    }
    return options | ({'model.head.out_dim': 64} if config == BASE else {})


def command(case: Case, folder: Path) -> list[str]:
    """Arguments of the tool; a case with `code` gets a config of its own, which has the small sizes too."""
    args = case.args.format(folder=folder).split()
    if '--work-dir' not in args:
        args += ['--work-dir', str(folder / 'runs')]
    if case.tool == 'reproduce':
        return args
    config = case.config.format(folder=folder)
    small = [f'{key}={value}' for key, value in settings(config, folder).items()]
    if '/' in config:
        small = []
    elif case.code:
        (folder / 'configs').symlink_to(ROOT / 'configs')
        text = f'from mmengine.config import read_base\n\nwith read_base():\n    from .configs.{config} import *\n'
        (folder / 'c.py').write_text(
            text + small_settings(settings(config, folder)) + case.code.format(folder=folder) + '\n'
        )
        config, small = str(folder / 'c.py'), []
    else:
        config = f'configs/{config}.py'
    wrong = case.options
    if wrong is None:
        wrong = case.wrong if re.fullmatch(r'[\w.]+=\S+', case.wrong) else ''
    options = [*small, *wrong.format(folder=folder).split()]
    if case.tool == 'test' and not case.args:
        args = ['x.pth', *args]
    return [config, *args, *(['--cfg-options', *options] if options else [])]


def small_settings(options: Mapping[str, object]) -> str:
    """The same settings as lines of a config."""
    lines = []
    for key, value in options.items():
        first, *others = key.split('.')
        place = ''.join(f'[{name}]' if name.isdigit() else f'[{name!r}]' for name in others)
        plain = str(value) if isinstance(value, Path) else value
        lines.append(f'{first}{place} = {plain!r}\n')
    return ''.join(lines)


def run(case: Case, data: Path, folder: Path) -> dict[str, object]:
    """Run the tool on a fresh copy of the data.

    Returns:
        dict[str, object]: `code`, the exit code, and `message`, what came to the end of the error output.
    """
    shutil.copytree(data, folder / 'birdlets')
    if case.prepare:
        case.prepare(folder)
    spec = importlib.util.spec_from_file_location('tool', ROOT / f'tools/{case.tool}.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    environment = dict(os.environ)
    if case.env:
        os.environ[case.env[0]] = case.env[1]
    sys.argv = [f'tools/{case.tool}.py', *command(case, folder)]
    code, message = 0, 'no error'
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            tool.main()
        except SystemExit as end:
            code, message = (1, end.code) if isinstance(end.code, str) else (end.code, 'SystemExit')
        except BaseException:
            code, message = 1, traceback.format_exc()
    os.environ.clear()
    os.environ.update(environment)
    return dict(code=code, message=message.strip().replace(str(folder), 'DIR').replace(str(ROOT), 'DIR'))


def run_all(only: str = '') -> dict[str, dict[str, object]]:
    """What each case gives, by `wrong`."""
    os.chdir(ROOT)
    found = {}
    with tempfile.TemporaryDirectory() as name:
        with contextlib.redirect_stdout(io.StringIO()):
            data = generate_birdlets(Path(name).resolve() / 'data', BirdletsSettings(**BIRDLETS))
        for i, case in enumerate(CASES):
            if only in case.wrong:
                folder = data.parent / f'case{i}'
                folder.mkdir()
                found[case.wrong] = run(case, data, folder)
                shutil.rmtree(folder)
    return found


def table(found: Mapping[str, Mapping[str, object]]) -> str:
    """The page of the docs."""
    parts = [HEAD]
    for group, cases in TABLE.items():
        parts.append(f'\n## {group}\n\n| what is wrong | what is printed |\n|---|---|\n')
        for case in cases:
            wrong = f'`{case.wrong}`' if re.fullmatch(r'\S+=\S+', case.wrong) else case.wrong
            message = f'error: ... {" ... ".join(case.says)} ...' if case.theirs else str(found[case.wrong]['message'])
            message = message.replace('|', '\\|').replace('\n', '<br>')
            parts.append(f'| {wrong.replace("{folder}", "DIR")} | {message} |\n')
    return ''.join(parts)


if __name__ == '__main__':
    out = Path(sys.argv[1]).absolute()
    messages = run_all(sys.argv[2] if len(sys.argv) > 2 else '')
    out.write_text(table(messages) if out.suffix == '.md' else json.dumps(messages, indent=1))
