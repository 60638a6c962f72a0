"""The files of examples/, run as they are on a folder of generated images."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / 'examples'
CLASSES = ('finch', 'heron', 'owl', 'wren')
DIMENSIONS = {'cbp_resnet50_text': 'out_dim', 'hbp_resnet50_python': 'proj_dim'}


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """Four images of each class to train on and two to validate, each in a colour of its class."""
    root = tmp_path_factory.mktemp('images')
    generator = np.random.default_rng(0)
    for split, count in (('train', 4), ('val', 2)):
        for label, name in enumerate(CLASSES):
            (root / split / name).mkdir(parents=True)
            for i in range(count):
                noise = generator.integers(60, size=(48, 56, 3)) + 60 * np.array([label % 2, label // 2, 1])
                Image.fromarray(noise.astype(np.uint8)).save(root / split / name / f'{i}.png')
    return root


@pytest.mark.slow
@pytest.mark.parametrize('name', DIMENSIONS)
def test_a_config_trains_on_folders_of_images(name, run_here, folder, tmp_path):
    settings = {
        'model.backbone.init_cfg': None,
        'train_cfg.max_epochs': 1,
        'train_dataloader.batch_size': 8,
        'default_hooks.logger.interval': 1,
        'default_hooks.checkpoint.interval': 10,  # the best alone is saved
        'model.head.num_classes': len(CLASSES),
        f'model.head.{DIMENSIONS[name]}': 64,
    }
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        settings |= {f'{loader}.dataset.data_root': folder, f'{loader}.num_workers': 0}
        settings |= {f'{loader}.dataset.pipeline.1.scale': 40, f'{loader}.dataset.pipeline.2.crop_size': 32}
    options = ['--cfg-options', *(f'{key}={value}' for key, value in settings.items())]
    run_here('train', EXAMPLES / f'{name}.py', '--work-dir', tmp_path, *options)
    (log,) = tmp_path.glob('2*/vis_data/scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [line for line in lines if 'loss' in line]
    assert len(steps) == 2
    for step in steps:
        assert step['loss'] == pytest.approx(step['loss_cls'] + step['loss_inter'] + step['loss_intra'], rel=1e-3)
        assert step['dist_intra'] > 0  # each batch has pairs of each class
    assert lines[-1]['accuracy/top1'] in [12.5 * i for i in range(9)]  # of eight images


@pytest.mark.slow
def test_the_plain_loop_learns_where_the_toolbox_is_not_installed(folder):
    settings = dict(epochs=4, classifier_epochs=3, batch_size=8, crop=32, workers=0)
    options = [part for key, value in settings.items() for part in (f'--{key.replace("_", "-")}', str(value))]
    code = (
        'import runpy, sys; sys.modules.update(dict.fromkeys(["mmengine", "mmcv", "mmpretrain"]));'
        'sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name="__main__")'
    )
    command = [sys.executable, '-c', code, EXAMPLES / 'plain_pytorch.py', folder / 'train', *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith('epoch')]
    epochs = [{key: float(value) for key, value in re.findall(r'(\w+) (-?[\d.]+)(?:,|$)', line)} for line in lines]
    assert len(epochs) == 4
    for epoch in epochs:
        assert epoch['loss'] == pytest.approx(epoch['loss_cls'] + epoch['loss_inter'] + epoch['loss_intra'], abs=1e-3)
        assert epoch['accuracy'] in [i / 16 for i in range(17)]
    assert epochs[2]['loss'] < epochs[0]['loss']  # the classifier alone; the last epoch trains all of a random network
