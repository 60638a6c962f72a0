"""The config for images of a user's own: folders with spaces, Unicode and sub-folders, through the tools."""

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
    settings |= {'custom_hooks': [], 'optim_wrapper.optimizer.lr': 0.01}  # one step for one epoch
    # but for the data_root, which the config has
    return ['--cfg-options', *(f'{key}={value}' for key, value in settings.items() if 'data_root' not in key)]


def test_two_lines_suffice_to_train_and_test_on_a_folder(run_here, config, folder, tmp_path):
    run_here('train', config, '--work-dir', tmp_path / 'run', *options(folder))
    checkpoint = tmp_path / 'run/epoch_1.pth'
    run_here('test', config, checkpoint, '--work-dir', tmp_path / 'run', '--out', tmp_path / 'test.json',
             '--out-item', 'metrics', *options(folder))  # fmt: skip
    # eight images: an eighth each
    assert json.loads((tmp_path / 'test.json').read_text())['accuracy/top1'] in [100 * i / 8 for i in range(9)]


def test_a_flat_folder_and_a_missing_one_are_one_message_each(run_here, config, folder):
    shutil.rmtree(folder / 'train')
    draw_noise(folder / 'train/1.png')
    ended = run_here('train', config, *options(folder), check=False)
    assert ended.returncode == 1
    assert f'error: {folder}/train: no image in a folder of it (there is none)' in ended.stderr
    shutil.rmtree(folder / 'train')
    (folder / 'val').rename(folder / 'train')
    ended = run_here('train', config, *options(folder), 'train_dataloader.batch_size=8', check=False)
    assert ended.returncode == 1
    assert f'error: {folder}/val: no such folder' in ended.stderr
    assert '--no-validate' in ended.stderr


def test_who_has_no_images_to_validate_trains_without(run_here, config, folder, tmp_path):
    shutil.rmtree(folder / 'val')
    given = [option for option in options(folder) if not option.startswith('val_dataloader')]
    run_here('train', config, '--work-dir', tmp_path / 'run', '--no-validate', *given)
    assert (tmp_path / 'run/epoch_1.pth').is_file()


@pytest.mark.parametrize('num_classes', [3, 4])
def test_a_class_folder_missing_in_val_is_named_whatever_num_classes_is(run_here, config, folder, num_classes):
    shutil.rmtree(folder / 'val/heron')
    classes = [f'{part}.num_classes={num_classes}' for part in ('model.head', 'data_preprocessor')]
    ended = run_here('train', config, *options(folder), *classes, check=False)
    assert ended.returncode == 1
    assert 'there are 4 in one and 3 in the other; only one of them has heron' in ended.stderr


def test_a_class_without_images_is_named(run_here, config, folder, tmp_path):
    for file in (folder / 'train/owl').rglob('*.png'):
        file.unlink()
    batches = 'train_dataloader.batch_size=6'  # of the three classes that are left
    run_here('train', config, '--work-dir', tmp_path / 'run', *options(folder), batches)
    (log,) = (tmp_path / 'run').glob('2*/*.log')
    assert 'classes without an image: owl' in log.read_text()


def test_check_lists_all_faults_of_an_own_folder(run_here, folder):
    printed = run_here('prepare_data', folder, '--check').stdout
    assert f'{folder}/train: 16 images of 4 classes\n' in printed
    assert f'{folder}/val: 8 images of 4 classes\n' in printed
    assert printed.endswith('\nno fault\n')
    damaged = folder / 'train/owl/Vögel 0.png'
    damaged.write_bytes(damaged.read_bytes()[:99])
    shutil.rmtree(folder / 'val/heron')
    ended = run_here('prepare_data', folder, '--check', check=False)
    assert ended.returncode == 1
    assert '2 faults:\n' in ended.stdout
    assert f'\n{damaged}: damaged, ' in ended.stdout
    assert 'only one of them has heron' in ended.stdout
    assert 'expected one of cub' in run_here('prepare_data', folder, check=False).stderr  # nothing to prepare
