"""The config for images of one's own: folders with spaces, Unicode and sub-folders, through the tools."""

import json
import shutil
from pathlib import Path

import pytest
from layouts import draw_noise
from tiny_run import tiny_settings

CONFIGS = Path(__file__).parents[1] / 'configs'
CLASSES = ('Ara ararauna', 'Großer Brachvogel', 'heron', 'owl')


@pytest.fixture
def folder(tmp_path) -> Path:
    """Four images of each class to train on, one of them in a sub-folder, and two to validate."""
    for split, count in (('train', 4), ('val', 2)):
        for name in CLASSES:
            for i in range(count):
                draw_noise(tmp_path / 'my images' / split / name / ('young birds' if i == 3 else '') / f'Vögel {i}.png')
    return tmp_path / 'my images'


@pytest.fixture
def config(tmp_path, folder) -> Path:
    """The config with its two lines changed, in a copy of the project's configs."""
    shutil.copytree(CONFIGS, tmp_path / 'configs')
    file = tmp_path / 'configs/own_images/lcv_cbp_vgg16.py'
    text = file.read_text().replace("'data/my_images'", repr(str(folder)))
    file.write_text(text.replace('num_classes = 10 ', 'num_classes = 4 '))
    return file


def options(folder: Path) -> list[str]:
    settings = tiny_settings(folder, dataset={}) | {'model.backbone.init_cfg': None, 'model.head.out_dim': 64}
    # but for the data_root, which the config has
    return ['--cfg-options', *(f'{key}={value}' for key, value in settings.items() if 'data_root' not in key)]


def test_two_lines_suffice_to_train_and_test_on_a_folder(run_here, config, folder, tmp_path):
    run_here('train', config, '--work-dir', tmp_path / 'run', *options(folder))
    checkpoint = tmp_path / 'run/epoch_1.pth'
    run_here('test', config, checkpoint, '--work-dir', tmp_path / 'run', '--out', tmp_path / 'test.json',
             '--out-item', 'metrics', *options(folder))  # fmt: skip
    # eight images: an eighth each
    assert json.loads((tmp_path / 'test.json').read_text())['accuracy/top1'] in [100 * i / 8 for i in range(9)]


def test_a_class_without_images_is_named(run_here, config, folder, tmp_path):
    for file in (folder / 'train/owl').rglob('*.png'):
        file.unlink()
    batches = 'train_dataloader.batch_size=6'  # of the three classes that are left
    run_here('train', config, '--work-dir', tmp_path / 'run', *options(folder), batches)
    (log,) = (tmp_path / 'run').glob('2*/*.log')
    assert 'Found no valid file in the folder owl' in log.read_text()
