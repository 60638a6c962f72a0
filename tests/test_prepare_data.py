"""tools/prepare_data.py, run as a user runs it."""

import numpy as np
from layouts import make_oxford_flower17
from scipy.io import loadmat, savemat

from lcv_mm.data_prep.facts import DATASET_INFO


def test_check_lists_all_of_three_faults_and_exits_1(tmp_path, run_here):
    folder = make_oxford_flower17(tmp_path / 'data/oxford_flower17')
    splits = {name: value for name, value in loadmat(folder / 'datasplits.mat').items() if not name.startswith('__')}
    splits['tst3'] = np.sort(splits['tst3'])[:, 1:]
    savemat(folder / 'datasplits.mat', splits)
    (folder / 'jpg' / 'image_0080.jpg').unlink()
    (folder / 'jpg' / 'image_1281.jpg').write_bytes((folder / 'jpg' / 'image_1282.jpg').read_bytes()[:-20])
    done = run_here('prepare_data', 'flower17', '--root', tmp_path / 'data', '--check', check=False)
    assert done.returncode == 1
    for fault in (
        'split test, fold 3: 679 images, expected 680',
        'jpg/image_0080.jpg: missing',
        'jpg/image_1281.jpg: damaged, OSError: ',
    ):
        assert f'\n  - {fault}' in done.stdout
    assert '\n  3 faults:\n' in done.stdout
    assert f'To prepare it again, delete {folder} and run this command without --check.' in done.stdout


def test_a_check_of_all_makes_nothing(tmp_path, run_here):
    done = run_here('prepare_data', 'all', '--root', tmp_path, '--check', check=False)
    assert (done.returncode, done.stdout.count('To prepare it again')) == (1, len(DATASET_INFO))
    assert not any(tmp_path.iterdir())
