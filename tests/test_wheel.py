"""The wheel alone, in an environment that has the dependencies but no checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_run import tiny_options

ROOT = Path(__file__).parents[1]
INHERITS = """
from mmengine.config import read_base
with read_base():
    from lcv_mm.configs.lcv_hbp_resnet18_birdlets64 import *
train_cfg.update(max_epochs=2)
"""


@pytest.fixture(scope='module')
def installed(tmp_path_factory) -> Callable[..., str]:
    """Runs a console command of the installed wheel, and gives what it printed."""
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'  # setuptools leaves a build folder where it builds
    given = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT, capture_output=True, text=True)
    for file in filter(None, given.stdout.splitlines()):
        target = source / file
        if (ROOT / file).exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, target, follow_symlinks=False)
    pip = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check']
    subprocess.run([*pip, 'wheel', '--no-deps', '--no-build-isolation', '-w', folder, source], check=True)
    venv.create(folder / 'env', symlinks=True)
    python = folder / 'env/bin/python'
    subprocess.run([*pip, '--python', python, 'install', '--no-deps', *folder.glob('*.whl')], check=True)
    # the dependencies; the links of an editable install there are not followed from here
    (own,) = (folder / 'env/lib').glob('python*/site-packages')
    (own / 'dependencies.pth').write_text(sysconfig.get_path('purelib'))
    environment = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    outside = folder / 'outside'
    outside.mkdir()

    def run(command: str, *args: object) -> str:
        told = [str(folder / 'env/bin' / command), *map(str, args)]
        done = subprocess.run(told, cwd=outside, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.slow
def test_the_wheel_trains_without_a_checkout(installed, tmp_path) -> None:
    config = 'lcv_hbp_resnet18_birdlets64'
    given = ['--work-dir', tmp_path / 'run', '--cfg-options', *tiny_options(tmp_path / 'birdlets')]
    installed('lcv_mm', 'train', config, *given)
    assert (tmp_path / 'run/epoch_1.pth').is_file()


@pytest.mark.slow
def test_a_config_inherits_one_of_the_wheel(installed, tmp_path) -> None:
    (tmp_path / 'mine.py').write_text(INHERITS)
    code = 'import sys, lcv_mm; from mmengine.config import Config; print(lcv_mm.__file__); '
    code += 'print(Config.fromfile(sys.argv[1]).train_cfg.max_epochs)'
    *_, where, epochs = installed('python', '-c', code, tmp_path / 'mine.py').splitlines()
    assert epochs == '2'
    assert 'wheel' in where
    assert str(ROOT) not in where
