"""Every row of the paper's tables, run: one training iteration and one evaluation batch through the real Runner."""

import math
from pathlib import Path

import pytest
import torch
from layouts import make_cub, make_oxford_flower17, make_stanford_dogs
from mmengine.config import Config
from mmengine.runner import IterBasedTrainLoop, Runner

from lcv_mm.paper import read_rows

CONFIGS = Path(__file__).parents[1] / 'configs'
ROWS = [row for row in read_rows() if not row.quoted]
MAKERS = {'CUB-200-2011': make_cub, 'Stanford Dogs': make_stanford_dogs, 'Oxford-Flower-17': make_oxford_flower17}
TRAINED = {'loss', 'accuracy_top-1'}
OF_LCV = {'loss_cls', 'loss_inter', 'loss_intra', 'dist_inter', 'dist_intra'}

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def data_roots(tmp_path_factory) -> dict[str, Path]:
    """A small copy of each dataset in its exact layout."""
    folder = tmp_path_factory.mktemp('data')
    return {name: make(folder / name.replace(' ', '_')) for name, make in MAKERS.items()}


def shrink(cfg: Config, data_root: Path, work_dir: Path) -> None:
    """What a CPU needs: small crops, a batch of 4, one iteration, random weights, no checkpoint."""
    options: dict[str, object] = {'model.backbone.init_cfg': None, 'train_dataloader.batch_size': 4}
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        options |= {
            f'{loader}.dataset.data_root': str(data_root),
            f'{loader}.dataset.pipeline.1.scale': 72,
            f'{loader}.dataset.pipeline.2.crop_size': 64,
            f'{loader}.num_workers': 0,
            f'{loader}.persistent_workers': False,
            f'{loader}.pin_memory': False,
        }
    cfg.merge_from_dict(options)
    cfg.val_dataloader.dataset.indices = 8
    cfg.train_cfg = dict(type=IterBasedTrainLoop, max_iters=1, val_interval=1)
    cfg.log_processor = dict(by_epoch=False)
    cfg.default_hooks.checkpoint = None
    cfg.work_dir = str(work_dir)


def test_there_are_29_rows():
    assert len(ROWS) == 29


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row.config)
def test_a_row_trains_and_evaluates(row, data_roots, tmp_path):
    cfg = Config.fromfile(CONFIGS / f'{row.config}.py')
    shrink(cfg, data_roots[row.dataset], tmp_path)
    cfg.experiment_name = row.config
    runner = Runner.from_cfg(cfg)
    weights = []  # of the classifier, at each forward: in training, then in evaluation
    runner.model.head.fc.register_forward_pre_hook(lambda fc, _: weights.append(fc.weight.detach().clone()))
    runner.train()

    scalars = {name.removeprefix('train/'): buffer.current() for name, buffer in runner.message_hub.log_scalars.items()}
    expected = TRAINED | (OF_LCV if row.method.startswith('LCV') else set())
    assert {name for name in scalars if name in TRAINED | OF_LCV} == expected
    assert all(math.isfinite(scalars[name]) for name in expected)
    assert 0 <= scalars['val/accuracy/top1'] <= scalars['val/accuracy/top5'] <= 100
    assert runner.iter == 1
    assert not torch.equal(weights[0], weights[-1])  # the optimizer's step arrived
