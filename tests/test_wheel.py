"""The wheel, in an environment that has the dependencies alone."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from tiny_run import tiny_options

ROOT = Path(__file__).parents[1]
INHERITS = """
from mmengine.config import read_base
with read_base():
    from lcv_mm.configs.birdlets.lcv_hbp_resnet18_birdlets64 import *
"""


def copy_checkout(target: Path) -> None:
    """setuptools leaves a build folder where it builds."""
    command = ['git', 'ls-files', '-co', '--exclude-standard']
    for file in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines():
        if (ROOT / file).exists():
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, target / file)


@pytest.mark.slow
def test_the_wheel_has_configs_and_tools_and_trains_without_a_checkout(tmp_path):
    copy_checkout(tmp_path / 'source')
    env, outside = tmp_path / 'env', tmp_path / 'outside'
    outside.mkdir()
    pip = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check']
    wheel = ['wheel', '--no-deps', '--no-build-isolation', '-w', tmp_path, tmp_path / 'source']
    subprocess.run([*pip, *wheel], check=True)
    venv.create(env, symlinks=True)
    # the dependencies, setuptools among them; the links of an editable install there are not followed from here
    (packages,) = env.glob('lib/python*/site-packages')
    (packages / 'dependencies.pth').write_text(sysconfig.get_path('purelib'))
    subprocess.run([*pip, '--python', env / 'bin/python', 'install', '--no-deps', *tmp_path.glob('*.whl')], check=True)

    def run(command: str, *args: object) -> str:
        line = [str(env / 'bin' / command), *map(str, args)]
        environment = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
        done = subprocess.run(line, cwd=outside, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    code = (
        'import lcv_mm; from mmpretrain.apis import ModelHub\n'
        'print(lcv_mm.__file__, ModelHub.get("lcv_cbp_vgg16_cub448").config.model.head.num_classes)'
    )
    file, classes = run('python', '-c', code).splitlines()[-1].split()
    assert file.startswith(str(packages))
    assert classes == '200'
    (tmp_path / 'mine.py').write_text(INHERITS)
    options = tiny_options(tmp_path / 'birdlets')
    run('lcv_mm', 'train', tmp_path / 'mine.py', '--work-dir', tmp_path / 'run', '--cfg-options', *options)
    assert (tmp_path / 'run/epoch_1.pth').is_file()
