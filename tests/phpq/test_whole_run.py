"""PHPQ by the real Runner, files on disk: stopped within an epoch, and resumed."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from tiny_run import tiny_settings

ROOT = Path(__file__).parents[2]
NAME = 'phpq_resnet18_birdlets64'
SMALL = {'model.backbone.stem_channels': 16, 'model.backbone.base_channels': 16, 'model.neck.out_channels': 32}
SMALL |= {'model.neck.in_channels': '(32,64,128)', 'model.head.in_channels': 96, 'model.head.bits': 32}

pytestmark = pytest.mark.slow


def train(data_root: Path, work_dir: Path, resume_from: Path | None = None) -> dict[str, torch.Tensor]:
    """Two epochs of three steps, a checkpoint after each step; the state of model and optimizer at the end."""
    cfg = Config.fromfile(ROOT / f'configs/{NAME}.py')
    cfg.merge_from_dict(tiny_settings(data_root, 2) | SMALL | {'model.neck.in_channels': (32, 64, 128)})
    cfg.default_hooks.checkpoint.update(by_epoch=False, interval=1, max_keep_ckpts=-1)
    cfg.work_dir, cfg.experiment_name = str(work_dir), work_dir.name
    cfg.resume, cfg.load_from = resume_from is not None, resume_from and str(resume_from)
    runner = Runner.from_cfg(cfg)
    runner.train()
    momentum = [state['momentum_buffer'] for state in runner.optim_wrapper.optimizer.state.values()]
    return runner.model.state_dict() | {f'momentum {i}': value for i, value in enumerate(momentum)}


def test_a_resumed_run_ends_bit_for_bit_as_one_that_was_not_stopped(tmp_path, safe_checkpoints):
    expected = train(tmp_path / 'birdlets', tmp_path / 'whole')
    assert not any('prototype' in name for name in expected)
    for step in (2, 4):  # within the first epoch and, after a validation, within the second
        found = train(tmp_path / 'birdlets', tmp_path / f'from_{step}', tmp_path / f'whole/iter_{step}.pth')
        assert found.keys() == expected.keys()
        assert [name for name, value in expected.items() if not torch.equal(found[name], value)] == []
