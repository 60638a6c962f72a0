"""The wheel, and an editable checkout, in an environment that has the dependencies alone."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from tiny_run import tiny_options

ROOT = Path(__file__).parents[1]
INHERITS = """
from mmengine.config import read_base
with read_base():
    from lcv_mm.configs.birdlets.lcv_hbp_resnet18_birdlets64 import *
train_cfg.update(max_epochs=2)
"""


@pytest.fixture(scope='module')
def install(tmp_path_factory) -> Callable[..., Callable[..., str]]:
    """Installs a copy of the checkout, as a wheel or editable; the result runs a command there and gives its output."""
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'  # setuptools leaves a build folder where it builds
    given = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT, capture_output=True, text=True)
    for file in filter(None, given.stdout.splitlines()):
        target = source / file
        if (ROOT / file).exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, target)
    environment = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    outside = folder / 'outside'
    outside.mkdir()
    pip = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check']

    @cache
    def installed(how: str) -> Callable[..., str]:
        env = folder / f'env_{how}'
        venv.create(env, symlinks=True)
        if how == 'wheel':
            subprocess.run([*pip, 'wheel', '--no-deps', '--no-build-isolation', '-w', folder, source], check=True)
            what = [*folder.glob('*.whl')]
        else:
            what = ['--no-build-isolation', '-e', source]
        # the dependencies, setuptools among them; the links of an editable install there are not followed from here
        (packages,) = env.glob('lib/python*/site-packages')
        (packages / 'dependencies.pth').write_text(sysconfig.get_path('purelib'))
        subprocess.run([*pip, '--python', env / 'bin/python', 'install', '--no-deps', *what], check=True)

        def run(command: str, *args: object) -> str:
            line = [str(env / 'bin' / command), *map(str, args)]
            done = subprocess.run(line, cwd=outside, capture_output=True, text=True, env=environment, check=False)
            assert done.returncode == 0, done.stderr
            return done.stdout

        return run

    return installed


@pytest.mark.slow
@pytest.mark.parametrize('how', ['wheel', 'editable'])
def test_configs_and_tools_are_in_the_package(install, how, tmp_path) -> None:
    (tmp_path / 'mine.py').write_text(INHERITS)
    code = (
        'import sys, lcv_mm; from lcv_mm.launch import load_config; from mmpretrain.apis import ModelHub\n'
        'ModelHub.get("lcv_cbp_vgg16_cub448")\n'
        'mine, theirs = (load_config(name).train_cfg.max_epochs for name in sys.argv[1:])\n'
        'print(lcv_mm.__file__, mine, theirs)'
    )
    line = install(how)('python', '-c', code, tmp_path / 'mine.py', 'lcv_hbp_resnet18_birdlets64').splitlines()[-1]
    folder, mine, theirs = line.split()
    assert str(ROOT / 'lcv_mm') not in folder
    assert mine == '2' != theirs
    assert '--work-dir' in install(how)('lcv_mm', 'train', '--help')


@pytest.mark.slow
def test_the_wheel_trains_without_a_checkout(install, tmp_path) -> None:
    config = 'lcv_hbp_resnet18_birdlets64'
    given = ['--work-dir', tmp_path / 'run', '--cfg-options', *tiny_options(tmp_path / 'birdlets')]
    install('wheel')('lcv_mm', 'train', config, *given)
    assert (tmp_path / 'run/epoch_1.pth').is_file()
