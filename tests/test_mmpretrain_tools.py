"""The tables of docs/mmpretrain_tools.md: each line is run, in this process, on one model and one run of it."""

import contextlib
import io
import os
import pickle
import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path

import matplotlib
import mmpretrain
import pytest
import torch
from mmengine.config import Config
from mmpretrain import FeatureExtractor, ImageClassificationInferencer, get_model
from tiny_run import BIRDLETS

from lcv_mm.datasets.birdlets import BirdletsSettings, generate_birdlets

ROOT = Path(__file__).parents[1]
TOOLS = Path(mmpretrain.__file__).parent / '.mim/tools'
STYLES = ('pure-Python', 'text-style', 'dumped')
CALLS = dict(get_model=get_model, FeatureExtractor=FeatureExtractor)
CALLS['ImageClassificationInferencer'] = ImageClassificationInferencer
# by a word of a line's command, the case of its "no"
CASES = {'--amp': not torch.cuda.is_available(), '-n 2': matplotlib.__version_info__ >= (3, 11)}

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures('as_before')]


def lines(section: str) -> list[tuple[str, list[str]]]:
    """Command and cells of each line of a section's table."""
    text = (ROOT / 'docs/mmpretrain_tools.md').read_text().partition(f'\n## {section}\n')[2].partition('\n## ')[0]
    found = re.findall(r'^\| `(.+?)`[^|]* \| (.*) \|$', text, re.MULTILINE)
    return [(command, cells.split(' | ')) for command, cells in found]


WITH_CONFIG = [
    (command, style, cell)
    for command, cells in lines('With a config')
    for style, cell in zip(STYLES, cells, strict=True)
]
WITHOUT_CONFIG = [(command, cells[0]) for command, cells in lines('Without a config')]

PURE = """
from mmengine.config import read_base

with read_base():
    from .lcv_hbp_resnet18_birdlets64 import *

birdlets = dict(data_root='{data}', **{settings})
loader = dict(batch_size=4, num_workers=0, persistent_workers=False, pin_memory=False, dataset=birdlets)
model.update(backbone=dict(stem_channels=16, base_channels=16))
model.update(head=dict(in_channels=(128, 128, 128), num_classes=6, proj_dim=64))
data_preprocessor.update(num_classes=6)
train_dataloader.update(loader)
val_dataloader.update(loader)
test_dataloader = val_dataloader
train_cfg.update(max_epochs=1, val_interval=1)
default_hooks.update(logger=dict(interval=1), checkpoint=dict(interval=1))
"""
# the same model and schedule, as a user of MMPretrain writes them
TEXT = """
custom_imports = dict(imports=['lcv_mm'])
default_scope = 'mmpretrain'
model = dict(
    type='LCVClassifier',
    backbone=dict(type='ResNetLayers', depth=18, strides=(1, 2, 2, 1), stem_channels=16, base_channels=16,
                  out_layers=('layer4.0', 'layer4.1.relu1', 'layer4.1')),
    neck=dict(type='ResidualAttention'),
    head=dict(type='HBPHead', in_channels=(128, 128, 128), num_classes=6, proj_dim=64),
    variance_loss=dict(type='ClassVarianceLoss'))
data_preprocessor = dict(num_classes=6, mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
birdlets = dict(type='Birdlets', data_root='{data}', pipeline=pipeline, **{settings})
loader = dict(batch_size=4, num_workers=0, persistent_workers=False, collate_fn=dict(type='default_collate'))
train_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='ClassBalancedBatchSampler', samples_per_class=2),
    dataset=dict(split='train', **birdlets), **loader)
val_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=False), dataset=dict(split='test', **birdlets), **loader)
test_dataloader = val_dataloader
val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_evaluator = val_evaluator
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9),
    paramwise_cfg=dict(custom_keys={{'head.fc': dict(lr_mult=50.0)}}))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=1, end=12, convert_to_iter_based=True)]
train_cfg = dict(type='ResumableTrainLoop', max_epochs=1, val_interval=1)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=1),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='SafeCheckpointHook', interval=1),
    sampler_seed=dict(type='DistSamplerSeedHook'))
visualizer = dict(type='UniversalVisualizer', vis_backends=[dict(type='LocalVisBackend')])
log_level = 'INFO'
"""


def run_tool(command: str) -> str:
    """Runs one of MMPretrain's tools as from the command line; what it prints."""
    file, *args = shlex.split(command)
    environment = dict(os.environ)
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as out:
        patch.setattr(sys, 'argv', [str(TOOLS / file), *args])
        patch.syspath_prepend(str((TOOLS / file).parent))  # beside which it finds its own helpers
        runpy.run_path(str(TOOLS / file), run_name='__main__')
    os.environ.clear()
    os.environ.update(environment)
    return out.getvalue()


@pytest.fixture(scope='module')
def files(tmp_path_factory) -> dict[str, Path]:
    """What the names of the page stand for, and the config of each style; all from one run of MMPretrain's train.py."""
    folder = tmp_path_factory.mktemp('tools')
    data = generate_birdlets(folder / 'birdlets', BirdletsSettings(**BIRDLETS))
    shutil.copytree(ROOT / 'configs', folder / 'configs')
    pure, text = folder / 'configs/tiny.py', folder / 'text.py'
    pure.write_text(PURE.format(data=data, settings=BIRDLETS))
    text.write_text(TEXT.format(data=data, settings=BIRDLETS))
    work_dir = folder / 'work'
    run_tool(
        f'train.py {pure} --work-dir {work_dir} --cfg-options default_hooks.checkpoint.published_keys=[meta,state_dict]'
    )
    found = {
        'pure-Python': pure,
        'text-style': text,
        'dumped': work_dir / 'tiny.py',
        'CHECKPOINT': work_dir / 'epoch_1.pth',
        'RESULTS': folder / 'results.pkl',
        'IMAGE': min((data / 'images').glob('*/*')),
        'LOG': next(work_dir.glob('*/vis_data/scalars.json')),
        'PUBLISHED': min(work_dir.glob('epoch_1-*.pth')),
    }
    run_tool(f'test.py {pure} {found["CHECKPOINT"]} --work-dir {folder / "test"} --out {found["RESULTS"]}')
    return found


def as_the_page_says(command: str, cell: str, files: dict[str, Path], out: Path) -> None:
    """Runs a line of a table: "yes" must leave what it writes to `OUT`, and a refusal say what stands after "no"."""
    tool = re.search(r'(\w+)\.py', command)
    if cell != 'yes' and not all(holds for word, holds in CASES.items() if word in command):
        pytest.skip('not the case of which the page says no')

    def use() -> None:
        if tool:
            run_tool(re.sub(r'\b[A-Z]{3,}\b', lambda match: str(names[match[0]]), command))
        else:
            eval(command, {**CALLS, **{name: str(path) for name, path in names.items()}})

    names = files | dict(OUT=out / 'out', BROKEN=out / 'broken')
    if cell != 'yes':
        with pytest.raises(Exception, match=re.escape(cell.removeprefix('no: '))):
            use()
        return
    use()
    for file in set(re.findall(r'\bOUT[.\w]*', command)):
        assert (out / file.replace('OUT', 'out')).exists()


def name_of(value: object) -> str:
    return re.sub(r'.*/|\.py| *(CONFIG|CHECKPOINT)', '', str(value).split(' --work-dir')[0])[:60]


@pytest.mark.parametrize(('command', 'style', 'cell'), WITH_CONFIG, ids=name_of)
def test_a_tool_with_a_config(command, style, cell, files, tmp_path):
    as_the_page_says(command, cell, files | dict(CONFIG=files[style]), tmp_path)


@pytest.mark.parametrize(('command', 'cell'), WITHOUT_CONFIG, ids=name_of)
def test_a_tool_without_a_config(command, cell, files, tmp_path):
    torch.serialization.clear_safe_globals()  # what our tools allow, which other tests ran in this process
    as_the_page_says(command, cell, files, tmp_path)


def test_the_page_has_its_lines():
    assert len(WITH_CONFIG) == 3 * 26
    assert len(WITHOUT_CONFIG) == 4


def test_the_matrix_of_a_checkpoint_is_that_of_its_predictions(files, tmp_path):
    out = tmp_path / 'matrix.pkl'
    run_tool(f'analysis_tools/confusion_matrix.py {files["pure-Python"]} {files["CHECKPOINT"]} --out {out}')
    expected = torch.zeros(6, 6, dtype=torch.long)
    for sample in pickle.loads(files['RESULTS'].read_bytes()):
        expected[sample['gt_label'], sample['pred_label']] += 1
    assert expected.sum(1).tolist() == [2] * 6  # two test images of each class
    assert torch.equal(pickle.loads(out.read_bytes()), expected)


def test_a_run_publishes_by_itself_what_torch_loads_by_default(files):
    published = torch.load(files['PUBLISHED'], weights_only=True)
    assert published.keys() == {'meta', 'state_dict'}
    assert get_model(str(files['dumped']), str(files['PUBLISHED'])).head.fc.out_features == 6


def test_the_flat_text_of_a_config_is_read_by_the_tools(files, tmp_path):
    Config.fromfile(files['pure-Python']).dump(tmp_path / 'flat.py')
    assert get_model(str(tmp_path / 'flat.py')).neck.attention is not None
