"""tools/prepare_data.py, run as a user runs it."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from layouts import make_oxford_flower17
from scipy.io import loadmat, savemat

from lcv_mm.data_prep.facts import DATASETS

TOOL = Path(__file__).parents[1] / 'tools' / 'prepare_data.py'


@pytest.fixture(scope='module')
def data(tmp_path_factory) -> Path:
    """A root with Oxford-Flower-17: all of its 1360 images, and they are small."""
    root = tmp_path_factory.mktemp('data')
    make_oxford_flower17(root / 'oxford_flower17')
    return root


def test_help_answers_at_once_and_names_the_datasets():
    start = time.monotonic()
    done = subprocess.run([sys.executable, TOOL, '--help'], capture_output=True, text=True, check=True)
    assert time.monotonic() - start < 2
    assert f'{", ".join(DATASETS)}, all' in ' '.join(done.stdout.split())


def test_check_of_a_whole_dataset_exits_0(data, run_here):
    printed = run_here('prepare_data', 'flower17', '--root', data, '--check').stdout
    assert 'train, fold 1, paper: 680 images of 17 classes\n' in printed
    assert 'val, fold 3, official: 340 images of 17 classes\n  ' in printed
    assert '\n  no fault\n' in printed


def test_check_lists_all_of_three_faults_and_exits_1(data, tmp_path, run_here):
    folder = shutil.copytree(data, tmp_path / 'data') / 'oxford_flower17'
    splits = {name: value for name, value in loadmat(folder / 'datasplits.mat').items() if not name.startswith('__')}
    splits['tst3'] = np.sort(splits['tst3'])[:, 1:]
    savemat(folder / 'datasplits.mat', splits)
    (folder / 'jpg' / 'image_0080.jpg').unlink()
    (folder / 'jpg' / 'image_1281.jpg').write_bytes((folder / 'jpg' / 'image_1282.jpg').read_bytes()[:-20])
    done = run_here('prepare_data', 'flower17', '--root', tmp_path / 'data', '--check', check=False)
    assert done.returncode == 1
    for fault in (
        'test, fold 3, paper: 679 images, expected 680',
        'test, fold 3, official: 339 images, expected 340',
        'test, fold 3, official: 19 images of class daffodil, expected 20',
        'jpg/image_0080.jpg: missing',
        'jpg/image_1281.jpg: damaged, OSError: ',
    ):
        assert f'\n  - {fault}' in done.stdout
    assert '\n  6 faults:\n' in done.stdout  # the count and its class, in both protocols, and two images
    assert f'To make it anew, delete {folder} and run this command without --check.' in done.stdout


def test_an_archive_that_is_not_there_exits_1_with_the_message_alone(tmp_path, run_here):
    names = ('cub', 'dogs', 'flower17')
    done = run_here('prepare_data', *names, '--root', tmp_path / 'data', '--archives', tmp_path, check=False)
    assert done.returncode == 1
    assert done.stderr == ''.join(
        f'error: {DATASETS[name].title}: {tmp_path} holds no {DATASETS[name].archives[0].name}; expected: '
        f'{", ".join(archive.name for archive in DATASETS[name].archives)}. They come from {DATASETS[name].page}\n'
        for name in names
    )


def test_a_check_of_all_makes_nothing(tmp_path, run_here):
    done = run_here('prepare_data', 'all', '--root', tmp_path, '--check', check=False)
    assert (done.returncode, done.stdout.count('the folder does not exist')) == (1, len(DATASETS))
    assert not any(tmp_path.iterdir())
