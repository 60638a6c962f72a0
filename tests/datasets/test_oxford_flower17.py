"""OxfordFlower17: its splits are those of the archive's list."""

from pathlib import Path

import numpy as np
import pytest
from layouts import make_oxford_flower17
from scipy.io import loadmat

from lcv_mm.datasets import OxfordFlower17
from lcv_mm.errors import ConfigError


@pytest.fixture(scope='module')
def root(tmp_path_factory) -> Path:
    """A small copy with all 1360 images; not to be changed."""
    return make_oxford_flower17(tmp_path_factory.mktemp('data') / 'oxford_flower17')


@pytest.mark.parametrize('fold', [1, 3])
@pytest.mark.parametrize(
    ('protocol', 'split', 'parts', 'per_class'),
    [
        ('paper', 'train', ['trn'], 40),
        ('paper', 'test', ['val', 'tst'], 40),
        ('official', 'val', ['val'], 20),
        ('official', 'test', ['tst'], 20),
    ],
)
def test_a_split_holds_what_datasplits_holds(root, protocol, split, parts, per_class, fold):
    # without mmengine's serialization, whose garbage collection takes most of the time
    dataset = OxfordFlower17(str(root), split, fold, protocol, serialize_data=False)
    variables = loadmat(root / 'datasplits.mat')
    expected = np.concatenate([variables[f'{part}{fold}'][0] for part in parts]).astype(int).tolist()
    assert [info['img_path'] for info in dataset] == [f'{root}/jpg/image_{number:04d}.jpg' for number in expected]
    assert np.bincount(dataset.get_gt_labels()).tolist() == [per_class] * 17


def test_the_papers_protocol_has_no_validation_split(root):
    with pytest.raises(ConfigError, match="no split='val' with protocol='paper'; it has {'paper': .'train', 'test'."):
        OxfordFlower17(str(root), 'val')


def test_there_is_no_fold_0(root):
    with pytest.raises(ConfigError, match=r'no fold=0; it has \(1, 2, 3\) \(fold={seed} needs --seeds 1 2 3\)'):
        OxfordFlower17(str(root), fold=0)
