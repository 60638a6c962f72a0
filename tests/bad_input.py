"""Runs each invalid input through the tool that a user would run, in one process.

python tests/bad_input.py messages.json       what each prints, and the exit code
python tests/bad_input.py docs/bad_input.md   the table of the docs, written anew
"""

import contextlib
import gc
import importlib.util
import io
import json
import os
import re
import shutil
import sys
import tempfile
import traceback
from dataclasses import replace
from pathlib import Path

from bad_input_cases import BASE, CASES, ROOT, Case
from tiny_run import BIRDLETS, tiny_settings

from lcv_mm.datasets.birdlets import BirdletsSettings, generate_birdlets

HEAD = """# Invalid inputs

What a user can get wrong, and what `tools/train.py`, `tools/test.py` or `tools/reproduce.py` then prints: one message,
no traceback, exit code 1. The table shows the parts of each message that this project writes, with "…" for the rest;
what the toolbox or torch refuses is printed in its own words after the config's key. `DIR` stands for a folder. The
table is written by `python tests/bad_input.py docs/bad_input.md`; a test runs each row. With `LCV_MM_TRACEBACK=1` in
the environment the traceback is shown too; errors that are not meant for the user, and may be bugs, always show it.
"""


def command(case: Case, folder: Path) -> list[str]:
    """Arguments of the tool; a case with `code` gets a config of its own, which has the small sizes too."""
    args = case.args.format(folder=folder).split()
    if '--work-dir' not in args:
        args += ['--work-dir', str(folder / 'runs')]
    if case.tool == 'reproduce':
        return args
    config = case.config.format(folder=folder)
    tiny = tiny_settings(folder / 'birdlets', dataset=BIRDLETS if config == BASE else {})
    # a name of its own: MMEngine's logger and visualizer are kept by name and second
    tiny |= {'experiment_name': folder.name} | ({'model.head.out_dim': 64} if config == BASE else {})
    small = [f'{key}={value}' for key, value in tiny.items()]
    if '/' in config:
        small = []
    elif case.code:
        (folder / 'configs').symlink_to(ROOT / 'configs')
        text = f'from mmengine.config import read_base\n\nwith read_base():\n    from .configs.{config} import *\n'
        for key, value in tiny.items():
            first, *others = key.split('.')
            place = ''.join(f'[{name}]' if name.isdigit() else f'[{name!r}]' for name in others)
            text += f'{first}{place} = {value!r}\n'
        (folder / 'c.py').write_text(text + case.code.format(folder=folder) + '\n')
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


def advised(case: Case) -> Case:
    """The case after its message's advice has been followed."""
    if not isinstance(case.fix, str):
        return replace(case, prepare=lambda folder: (case.prepare and case.prepare(folder), case.fix(folder)))
    return replace(case, **{'options' if case.tool == 'train' else 'args': case.fix})


def run_all(only: str = '') -> dict[str, dict[str, object]]:
    """What each case gives, by `wrong`."""
    os.chdir(ROOT)
    gc.freeze()  # else MMEngine's collection goes over all imports for each dataset
    found = {}
    with tempfile.TemporaryDirectory() as name:
        with contextlib.redirect_stdout(io.StringIO()):
            data = generate_birdlets(Path(name).resolve() / 'data', BirdletsSettings(**BIRDLETS))
        for i, case in enumerate(case for cases in CASES.values() for case in cases):
            if only in case.wrong:
                folder = data.parent / f'case{i}'
                folder.mkdir()
                found[case.wrong] = run(case, data, folder)
                shutil.rmtree(folder)
                if case.fix:
                    again = data.parent / f'case{i}_advised'
                    again.mkdir()
                    found[case.wrong]['advised'] = run(advised(case), data, again)
                    shutil.rmtree(again)
    return found


def table() -> str:
    """The page of the docs."""
    page = HEAD
    for group, cases in CASES.items():
        page += f'\n## {group}\n\n| what is wrong | what is printed, in part |\n|---|---|\n'
        for case in cases:
            wrong = f'`{case.wrong}`' if re.fullmatch(r'\S+=\S+', case.wrong) else case.wrong
            page += f'| {wrong} | error: … {" … ".join(case.says)} … |\n'.replace('{folder}', 'DIR')
    return page


if __name__ == '__main__':
    out = Path(sys.argv[1]).absolute()
    if out.suffix == '.md':
        out.write_text(table())
    else:
        out.write_text(json.dumps(run_all(sys.argv[2] if len(sys.argv) > 2 else ''), indent=1))
