"""MMPretrain's own tools with a config of ours: what docs/mmpretrain.md names, run in this process."""

import contextlib
import io
import os
import re
import runpy
import shlex
import sys
from pathlib import Path

import mmpretrain
import pytest
import torch
from mmpretrain import FeatureExtractor, get_model
from tiny_run import tiny_options

ROOT = Path(__file__).parents[1]
TOOLS = Path(mmpretrain.__file__).parent / '.mim/tools'
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures('as_before')]


def run_tool(command: str) -> None:
    """Runs one of MMPretrain's tools as from the command line."""
    file, *args = shlex.split(command)
    environment = dict(os.environ)
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.setattr(sys, 'argv', [str(TOOLS / file), *args])
        patch.syspath_prepend(str((TOOLS / file).parent))  # beside which it finds its own helpers
        runpy.run_path(str(TOOLS / file), run_name='__main__')
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture(scope='module')
def files(tmp_path_factory) -> dict[str, Path]:
    """What the names of the page stand for; CONFIG is what MMPretrain's train.py dumped of a config of ours."""
    folder = tmp_path_factory.mktemp('tools')
    work_dir, narrow = folder / 'work', {f'model.backbone.{name}_channels': 16 for name in ('stem', 'base')}
    head = {'model.head.in_channels': '(128,128,128)', 'model.head.proj_dim': 64, 'train_dataloader.batch_size': 4}
    published = {'default_hooks.checkpoint.published_keys': '[meta,state_dict]'}
    options = tiny_options(folder / 'birdlets', **narrow, **head, **published)
    config = ROOT / 'configs/birdlets/lcv_hbp_resnet18_birdlets64.py'
    run_tool(shlex.join(['train.py', str(config), '--work-dir', str(work_dir), '--cfg-options', *options]))
    names = dict(CONFIG=work_dir / config.name, CHECKPOINT=work_dir / 'epoch_1.pth')
    names |= dict(RESULTS=folder / 'results.pkl', IMAGE=min((folder / 'birdlets/images').glob('*/*')))
    names |= dict(LOG=next(work_dir.glob('*/vis_data/scalars.json')), PUBLISHED=min(work_dir.glob('epoch_1-*.pth')))
    run_tool(f'test.py {names["CONFIG"]} {names["CHECKPOINT"]} --work-dir {folder / "test"} --out {names["RESULTS"]}')
    return names


@pytest.mark.parametrize(
    'command',
    [
        'train.py CONFIG --work-dir OUT --resume CHECKPOINT --cfg-options train_cfg.max_epochs=2',
        'test.py CONFIG CHECKPOINT --work-dir OUT --tta',
        'kfold-cross-valid.py CONFIG --work-dir OUT --num-splits 2 --fold 0',
        'analysis_tools/confusion_matrix.py CONFIG CHECKPOINT --out OUT.pkl',
        'analysis_tools/analyze_results.py CONFIG RESULTS --out-dir OUT',
        'analysis_tools/analyze_logs.py plot_curve LOG --keys loss loss_inter loss_intra --out OUT.png',
        'analysis_tools/eval_metric.py RESULTS --metric type=Accuracy topk=1,5',
        'analysis_tools/get_flops.py CONFIG --shape 64',
        'misc/print_config.py CONFIG',
        'misc/verify_dataset.py CONFIG --out-path BROKEN.txt --phase test',
        'visualization/browse_dataset.py CONFIG --output-dir OUT --not-show -n 2 -m original',
        'visualization/vis_scheduler.py CONFIG --not-show -s OUT.png --cfg-options train_cfg.type=EpochBasedTrainLoop',
        'visualization/vis_cam.py IMAGE CONFIG CHECKPOINT --save-path OUT.png --target-layers neck.attention',
        'visualization/vis_tsne.py CONFIG --checkpoint CHECKPOINT --work-dir OUT --vis-stage neck --perplexity 3 '
        '--n-iter 250',
    ],
    ids=lambda command: command.split()[0],
)
def test_a_tool_takes_the_config_and_leaves_what_it_writes(command, files, tmp_path):
    names = files | dict(OUT=tmp_path / 'out', BROKEN=tmp_path / 'broken')
    run_tool(re.sub(r'\b[A-Z]{3,}\b', lambda match: str(names[match[0]]), command))
    for file in set(re.findall(r'\bOUT[.\w]*', command)):
        assert (tmp_path / file.replace('OUT', 'out')).exists()


def test_a_run_publishes_by_itself_what_torch_loads_by_default(files):
    torch.serialization.clear_safe_globals()  # what our tools allow, which other tests ran in this process
    published = torch.load(files['PUBLISHED'], weights_only=True)
    assert published.keys() == {'meta', 'state_dict'}
    model = get_model(str(files['CONFIG']), str(files['PUBLISHED']))
    assert model.head.fc.out_features == 6
    assert FeatureExtractor(model)(str(files['IMAGE']), stage='neck')[0][-1].shape[0] == 128
