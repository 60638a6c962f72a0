"""`--data DIR`: folders with spaces, Unicode and sub-folders, through the tools; and the tutorial, as it is written."""

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
import torch
from layouts import draw_noise
from mmengine.config import Config
from mmpretrain.registry import DATASETS, MODELS
from tiny_run import BIRDLETS, ROOT, tiny_settings

from lcv_mm import Birdlets, LCVClassifier
from lcv_mm.datasets import dataset_labels
from lcv_mm.errors import ConfigError, DataError
from lcv_mm.launch import load_config, use_folder

CONFIG = 'own_images/lcv_cbp_resnet50_224'
CLASSES = ('Ara ararauna', 'Großer Brachvogel', 'heron', 'owl')


def options() -> list[str]:
    """Settings that make a run of the config short, but none of the data."""
    settings = {key: value for key, value in tiny_settings(Path(), dataset={}).items() if 'data_root' not in key}
    settings |= {'model.backbone.depth': 18, 'model.backbone.init_cfg': None, 'model.head.in_channels': 512}
    settings |= {'model.head.out_dim': 64, 'custom_hooks': [], 'optim_wrapper.optimizer.lr': 0.01}
    return ['--cfg-options', *(f'{key}={value}' for key, value in settings.items())]


def draw(root: Path, **counts: int) -> Path:
    """A folder per class with so many images, one of them in a folder of its own and all with a space in the name."""
    for name, count in counts.items():
        for i in range(count):
            draw_noise(root / name / ('young birds' if i == 3 else '') / f'Vögel {i}.png')
    return root


@pytest.fixture
def folder(tmp_path) -> Path:
    """Four images of each class to train on and two to validate; what is hidden is no image and no class."""
    root = tmp_path / 'my images'
    draw(root / 'train', **dict.fromkeys((*CLASSES, '.trash'), 4))
    draw(root / 'val', **dict.fromkeys(CLASSES, 2))
    return root


@pytest.fixture
def cfg(tmp_path) -> Config:
    cfg = load_config(CONFIG)
    cfg.work_dir = str(tmp_path / 'run')
    return cfg


def names_of(cfg: Config, split: str) -> list[str]:
    dataset = DATASETS.build(cfg[f'{split}_dataloader'].dataset)
    return [os.path.relpath(dataset.get_data_info(i)['img_path'], dataset.data_root) for i in range(len(dataset))]


def test_a_share_of_each_class_is_validated_on_and_each_image_is_used_once(cfg, tmp_path):
    root = draw(tmp_path / 'my images', a=10, b=5, c=2, d=1)
    use_folder(cfg, root, 0.4)
    train, val = names_of(cfg, 'train'), names_of(cfg, 'val')
    assert sorted(train + val) == sorted(str(file.relative_to(root)) for file in root.rglob('*.png'))
    assert [sum(name.startswith(f'{kind}/') for name in val) for kind in 'abcd'] == [4, 2, 1, 0]
    assert names_of(cfg, 'test') == val
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert ['abcd'[label] for label in dataset_labels(dataset)] == [name[0] for name in train]
    assert [*dataset.metainfo['classes']] == [*'abcd']
    assert cfg.model.head.num_classes == cfg.data_preprocessor.num_classes == 4
    assert val[:4] != sorted(train + val)[:4]  # drawn


def test_a_resumed_run_reads_its_lists_and_a_new_one_of_the_same_images_writes_the_same(cfg, tmp_path):
    root = draw(tmp_path / 'my images', a=10, b=10)
    use_folder(cfg, root)
    first = [names_of(cfg, split) for split in ('train', 'val')]
    again = load_config(CONFIG)
    again.work_dir = str(tmp_path / 'another')
    use_folder(again, root)
    assert [names_of(again, split) for split in ('train', 'val')] == first
    draw(root, c=10)
    torch.save(dict(state_dict={}), Path(cfg.work_dir) / 'epoch_1.pth')
    cfg.resume = True
    use_folder(cfg, root)
    assert [names_of(cfg, split) for split in ('train', 'val')] == first
    assert cfg.model.head.num_classes == 2
    cfg.resume = False
    use_folder(cfg, root)
    assert cfg.model.head.num_classes == 3


def test_a_run_that_has_saved_nothing_is_resumed_with_the_images_of_today(cfg, tmp_path):
    root = draw(tmp_path / 'my images', a=10, b=10)
    use_folder(cfg, root)
    gone = root / names_of(cfg, 'train')[0]
    gone.unlink()
    cfg.resume = True
    use_folder(cfg, root)
    assert str(gone.relative_to(root)) not in names_of(cfg, 'train')
    assert len(names_of(cfg, 'train')) == 15


def test_without_validation_all_images_are_trained_on(cfg, folder):
    shutil.rmtree(folder / 'val')
    cfg.val_dataloader = None
    use_folder(cfg, folder)
    assert len(names_of(cfg, 'train')) == 16
    use_folder(cfg, folder / 'train')
    assert len(names_of(cfg, 'train')) == 16
    with pytest.raises(DataError, match='val: no such folder'):  # and no score of images trained on
        names_of(cfg, 'test')


def test_a_loss_that_counts_the_classes_is_told(cfg, folder):
    cfg.model.head.loss = dict(type='LabelSmoothLoss', label_smooth_val=0.1, num_classes=1000)
    use_folder(cfg, folder)
    assert cfg.model.head.loss.num_classes == cfg.model.head.num_classes


def test_any_config_takes_a_folder_and_no_metric_asks_for_more_classes_than_there_are(folder, tmp_path):
    cfg = load_config('cbp_vgg16_cub448')
    cfg.work_dir = str(tmp_path / 'run')
    cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=3, dataset=cfg.train_dataloader.dataset)
    use_folder(cfg, folder)
    assert len(names_of(cfg, 'test')) == 8
    assert len(DATASETS.build(cfg.train_dataloader.dataset)) == 3 * 16
    assert cfg.val_evaluator.topk == cfg.test_evaluator.topk == [1]
    assert cfg.train_dataloader.batch_size == 16
    with pytest.raises(ConfigError, match='expected a share between 0 and 1'):
        use_folder(cfg, folder / 'val', 1.0)
    with pytest.raises(DataError, match='expected a folder per class with images in it'):
        use_folder(cfg, folder / 'val/owl')


def test_check_lists_all_faults_of_an_own_folder(run_here, folder):
    printed = run_here('prepare_data', folder, '--check').stdout
    assert f'{folder}/train: 16 images of 4 classes\n' in printed
    assert f'{folder}/val: 8 images of 4 classes\n' in printed
    assert printed.endswith('\nno fault\n')
    (folder / 'val/owl').rename(folder / 'val/val')  # a class, not a split
    assert f'{folder}/val: 8 images of 4 classes\n' in run_here('prepare_data', folder / 'val', '--check').stdout
    (folder / 'val/val').rename(folder / 'val/owl')
    damaged = folder / 'train/owl/Vögel 0.png'
    damaged.write_bytes(damaged.read_bytes()[:99])
    shutil.rmtree(folder / 'val/heron')
    ended = run_here('prepare_data', folder, '--check', check=False)
    assert ended.returncode == 1
    assert '2 faults:\n' in ended.stdout
    assert f'\n{damaged}: damaged, ' in ended.stdout
    assert 'only one of them has heron' in ended.stdout
    shutil.rmtree(folder / 'val')  # `--data` splits train/
    assert '\n1 faults:\n' in run_here('prepare_data', folder, '--check', check=False).stdout
    assert 'expected one of cub' in run_here('prepare_data', folder, check=False).stderr  # nothing to prepare


@pytest.mark.slow
def test_the_tutorial_leads_from_a_folder_to_onnx(run_here, tmp_path, monkeypatch, capsys):
    page = (ROOT / 'docs/own_images.md').read_text()
    monkeypatch.chdir(tmp_path)
    Birdlets(data_root='drawn', split='train', **BIRDLETS)
    Path('drawn/images').rename('my_birds')
    Path('photos').mkdir()
    shutil.copy(next(Path('my_birds').rglob('*.jpg')), 'photos/bird.jpg')
    (run,) = re.findall('^    RUN=(.*)$', page, re.MULTILINE)
    commands = [shlex.split(line) for line in re.findall('^    lcv_mm (.*)$', page, re.MULTILINE)]
    assert [command[0] for command in commands] == [
        'prepare_data', 'train', 'test', 'analyze', 'predict', 'attention_maps', 'export'
    ]  # fmt: skip
    for tool, *args in commands:
        args = [arg.replace('$RUN', run).replace('epoch_60', 'epoch_1') for arg in args]
        run_here(tool, *args, *(options() if tool == 'train' else ()))
    assert (tmp_path / run / 'analysis.html').is_file()
    assert [file.name for file in (tmp_path / 'sorted').rglob('*.jpg')] == ['bird.jpg']
    labels = json.loads((tmp_path / 'labels.json').read_text())
    names = {file.name for file in Path('my_birds').iterdir()}
    assert {top['class'] for one in labels for top in one['top']} <= names
    snippet = re.findall(r'```python\n(.*?)```', page, re.DOTALL)[1]
    exec(snippet, {})
    *name, score = capsys.readouterr().out.splitlines()[-1].split()
    assert ' '.join(name) in names
    assert 1 / len(names) <= float(score) <= 1


def test_the_pages_config_of_another_backbone_builds_a_resnet_101(tmp_path):
    config = tmp_path / 'lcv_cbp_resnet101_448.py'
    page = (ROOT / 'docs/own_images.md').read_text()
    config.write_text(re.findall(r'```python\n(.*?)```', page, re.DOTALL)[0])
    cfg = load_config(config)
    cfg.model.backbone.init_cfg = None
    model = MODELS.build(cfg.model)
    assert [len(layer) for layer in (model.backbone.layer1, model.backbone.layer3)] == [3, 23]
    assert isinstance(model, LCVClassifier)
