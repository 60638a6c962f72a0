"""PHPQ through the tools, files on disk: trained, tested and reported."""

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_run import tiny_options

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
