"""Rows of the paper's tables, run by the real Runner: an iteration in each step, and an evaluation batch."""

import math
from pathlib import Path

import pytest
import torch
from layouts import make_cub, make_oxford_flower17, make_stanford_dogs
from mmengine.config import Config
from mmengine.runner import Runner
from tiny_run import tiny_settings

from lcv_mm.reproduce.paper import read_rows

CONFIGS = Path(__file__).parents[1] / 'configs'
# one of each method on each backbone; what else differs is held against the tables in test_configs.py
ROWS = list({(row.method, row.backbone): row for row in read_rows() if not row.quoted}.values())
QUOTED = [row for row in read_rows() if row.quoted]
MAKERS = {'CUB-200-2011': make_cub, 'Stanford Dogs': make_stanford_dogs, 'Oxford-Flower-17': make_oxford_flower17}
TRAINED = {'loss', 'accuracy_top-1', 'dist_inter', 'dist_intra'}
OF_LCV = {'loss_cls', 'loss_inter', 'loss_intra'}

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def data_roots(tmp_path_factory) -> dict[str, Path]:
    """A small copy of each dataset in its exact layout."""
    folder = tmp_path_factory.mktemp('data')
    return {name: make(folder / name.replace(' ', '_')) for name, make in MAKERS.items()}


def shrink(cfg: Config, data_root: Path, work_dir: Path) -> None:
    """What a CPU needs: small crops, one batch of 4 an epoch, one epoch, random weights, no checkpoint."""
    cfg.merge_from_dict(tiny_settings(data_root, dataset={}))
    cfg.merge_from_dict({'model.backbone.init_cfg': None, 'train_dataloader.batch_size': 4})
    cfg.train_dataloader.dataset.indices = [0, 1, -2, -1]  # two of each of two classes
    cfg.val_dataloader.dataset.indices = 8
    cfg.default_hooks.checkpoint = None
    cfg.work_dir = str(work_dir)


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row.config)
def test_a_row_trains_and_evaluates(row, data_roots, tmp_path):
    cfg = Config.fromfile(CONFIGS / f'{row.config}.py')
    shrink(cfg, data_roots[row.dataset], tmp_path)
    cfg.train_cfg.update(max_epochs=2, val_interval=2)
    cfg.custom_hooks[0].epochs = 1
    cfg.experiment_name = row.config
    runner = Runner.from_cfg(cfg)
    start = {name: weight.clone() for name, weight in runner.model.state_dict().items()}
    runner.train()
    state = runner.model.state_dict()
    moved = {name for name, weight in state.items() if not torch.equal(weight, start[name])}
    assert 'head.fc.weight' in moved
    assert any(name.startswith('backbone') and name.endswith('weight') for name in moved)
    scalars = {name.removeprefix('train/'): buffer.current() for name, buffer in runner.message_hub.log_scalars.items()}
    expected = TRAINED | (OF_LCV if row.method.startswith('LCV') else set())
    assert {name for name in scalars if name in TRAINED | OF_LCV} == expected
    assert all(math.isfinite(scalars[name]) for name in expected)
    assert 0 <= scalars['val/accuracy/top1'] <= scalars['val/accuracy/top5'] <= 100
    assert runner.message_hub.get_scalar('train/recipe_step').data[0].tolist() == [1, 2]


# GCA's, whose data are wrapped and whose head counts the images, runs in tests/gca/test_gca_run.py
@pytest.mark.parametrize('row', [row for row in QUOTED if row.method != 'GCA'], ids=lambda row: row.config)
def test_a_quoted_row_trains_and_is_evaluated_by_its_own_metric(row, data_roots, tmp_path):
    cfg = Config.fromfile(CONFIGS / f'{row.config}.py')
    shrink(cfg, data_roots[row.dataset], tmp_path)
    cfg.experiment_name = row.config
    runner = Runner.from_cfg(cfg)
    begun = [param.detach().clone() for param in runner.model.parameters()]
    runner.train()
    scalars = {name: buffer.current() for name, buffer in runner.message_hub.log_scalars.items()}
    assert math.isfinite(scalars['train/loss'])
    assert 0 <= scalars[f'val/{row.metric}'] <= 100
    assert any(not torch.equal(*pair) for pair in zip(begun, runner.model.parameters(), strict=True))
