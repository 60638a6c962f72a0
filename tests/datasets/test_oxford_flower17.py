"""OxfordFlower17: reads the archive's layout, and says what is wrong with a damaged one."""

from pathlib import Path

import numpy as np
import pytest
from layouts import copy_to_damage, data_error, make_oxford_flower17
from scipy.io import loadmat, savemat

from lcv_mm.datasets import OxfordFlower17


@pytest.fixture(scope='module')
def whole(tmp_path_factory) -> Path:
    """A small copy with all 1360 images; not to be changed."""
    return make_oxford_flower17(tmp_path_factory.mktemp('data') / 'oxford_flower17')


@pytest.fixture
def root(whole, tmp_path) -> Path:
    return copy_to_damage(whole, tmp_path / 'data' / 'oxford_flower17')


def load(root: Path | str, *args, **kwargs) -> OxfordFlower17:
    """The dataset, without mmengine's serialization, whose garbage collection takes most of the time."""
    return OxfordFlower17(str(root), *args, serialize_data=False, **kwargs)


def variables(root: Path) -> dict[str, np.ndarray]:
    """The rows of datasplits.mat."""
    return {name: value for name, value in loadmat(root / 'datasplits.mat').items() if not name.startswith('__')}


def rewrite(root: Path, **changed) -> None:
    """Replace variables of datasplits.mat; None leaves one out."""
    held = {**variables(root), **changed}
    savemat(root / 'datasplits.mat', {name: value for name, value in held.items() if value is not None})


@pytest.mark.parametrize('fold', [1, 2, 3])
@pytest.mark.parametrize(
    ('protocol', 'split', 'parts', 'per_class'),
    [
        ('paper', 'train', ['trn'], 40),
        ('paper', 'test', ['val', 'tst'], 40),
        ('official', 'train', ['trn'], 40),
        ('official', 'val', ['val'], 20),
        ('official', 'test', ['tst'], 20),
    ],
)
def test_a_split_holds_what_datasplits_holds(whole, protocol, split, parts, per_class, fold):
    dataset = load(whole, split, fold, protocol)
    expected = np.concatenate([variables(whole)[f'{part}{fold}'][0] for part in parts]).astype(int).tolist()
    assert [info['img_path'] for info in dataset] == [f'{whole}/jpg/image_{number:04d}.jpg' for number in expected]
    assert np.bincount(dataset.get_gt_labels()).tolist() == [per_class] * 17


@pytest.mark.parametrize('number', [0, 1361, 2.5, 'none'])
def test_a_number_that_is_no_image_is_refused(root, number):
    row = variables(root)['trn1'].astype(float)
    row[0, 6] = number if isinstance(number, int | float) else 1
    rewrite(root, trn1=np.zeros((1, 0)) if number == 'none' else row)
    expected = 'datasplits.mat is damaged: expected whole numbers from 1 to 1360. '
    assert expected in data_error(OxfordFlower17, root)
