"""PHPQ through the tools, files on disk: trained, tested and reported; stopped within an epoch, and resumed."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from tiny_run import tiny_options, tiny_settings

from lcv_mm.reproduce.record import read_record
from lcv_mm.visualization import read_curves

ROOT = Path(__file__).parents[2]
NAME = 'phpq_resnet18_birdlets64'
SMALL = {'model.backbone.stem_channels': 16, 'model.backbone.base_channels': 16, 'model.neck.out_channels': 32}
SMALL |= {'model.neck.in_channels': '(32,64,128)', 'model.head.in_channels': 96, 'model.head.bits': 32}

pytestmark = pytest.mark.slow


def test_a_run_is_trained_tested_and_reported_under_its_own_metric(tmp_path):
    options = tiny_options(tmp_path / 'birdlets', 2, **SMALL)
    tool = [sys.executable, '-W', 'ignore', 'tools/reproduce.py', '--dataset', 'birdlets', '--rows', NAME]
    told = [*tool, '--seeds', '0', '--work-dir', str(tmp_path / 'runs'), '--cfg-options', *options]
    done = subprocess.run(told, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / 'runs' / NAME / 'seed_0'
    record = read_record(folder)
    # the trainer's own validation of the last epoch, in another process, made the same database and ranking
    curves = read_curves(folder)
    for metric in ('retrieval/mAP', 'accuracy/top1'):
        assert record.metrics[metric] == pytest.approx(curves[metric][-1][1])
    assert record.result == record.metrics['retrieval/mAP']
    assert f'{NAME}, seed 0: finished, {record.result:.2f} %' in done.stdout
    report = (tmp_path / 'runs/report.md').read_text()
    assert f'| `{NAME}` | {record.result:.2f} | 0: {record.result:.2f} |' in report
    assert 'retrieval mAP (%)' in report


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
