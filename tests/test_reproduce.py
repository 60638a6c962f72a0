"""tools/compare.py and tools/reproduce.py as a user runs them: real trainers, stopped, killed and resumed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from tiny_run import ROOT, run_python, tiny_options, tiny_settings, wait_until

from lcv_mm.engine.speed import has_bfloat16
from lcv_mm.reproduce.record import Record, read_record
from lcv_mm.visualization import read_curves

LCV, CBP, BCNN = (f'{name}_resnet18_birdlets64' for name in ('lcv_cbp', 'cbp', 'bcnn'))

pytestmark = pytest.mark.slow


def rows(tmp_path: Path, names: list[str], *args: str, epochs: int = 3, more: tuple[str, ...] = ()) -> list[str]:
    """Arguments of tools/reproduce.py for rows on Birdlets."""
    options = ['--cfg-options', *tiny_options(tmp_path / 'birdlets', epochs), *more]
    work_dir = ['--work-dir', str(tmp_path / 'runs')]
    return ['--dataset', 'birdlets', '--seeds', '0', '--rows', *names, *work_dir, *args, *options]


def start(tool: str, *args: str) -> subprocess.Popen:
    """A tool in a process of its own."""
    command = [sys.executable, '-W', 'ignore', f'tools/{tool}.py', *args]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def folder(tmp_path: Path, config: str, seed: int = 0) -> Path:
    return tmp_path / f'runs/{config}/seed_{seed}'


def record_of(tmp_path: Path, config: str, seed: int = 0) -> Record:
    record = read_record(folder(tmp_path, config, seed))
    assert record is not None, (folder(tmp_path, config, seed) / 'train.log').read_text()[-2000:]
    return record


def weights(run: Path) -> dict[str, torch.Tensor]:
    return torch.load(run / 'epoch_3.pth', weights_only=False)['state_dict']


@pytest.fixture(scope='module')
def whole(tmp_path_factory) -> Path:
    """A folder with a run of three epochs that was not stopped."""
    tmp_path = tmp_path_factory.mktemp('whole')
    done = run_python('tools/reproduce.py', *rows(tmp_path, [CBP]))
    assert f'{CBP}, seed 0: finished, {record_of(tmp_path, CBP).result:.2f} %' in done.stdout
    assert done.stdout.splitlines()[-1] == f'Report: {tmp_path}/runs/report.md'
    return tmp_path


def test_a_row_is_trained_tested_and_recorded_once(whole, run_here):
    record, here = record_of(whole, CBP), folder(whole, CBP)
    # the trainer's own validation of the last epoch, in another process, saw the same images
    assert record.result == pytest.approx(read_curves(here)['accuracy/top1'][-1][1])
    assert (record.status, record.dataset) == ('finished', 'Birdlets')
    assert record.images == {'train': 24, 'test': 12}
    assert record.options['train_cfg.max_epochs'] == '3'
    assert record.checkpoint == 'epoch_3.pth'
    assert 'randomness = dict(deterministic=False, seed=0)' in (here / f'{CBP}.py').read_text()
    assert torch.__version__.startswith(record.versions['torch'])
    commit = subprocess.run(['git', 'rev-parse', 'HEAD'], cwd=ROOT, capture_output=True, text=True, check=False)
    assert record.git.get('commit', '') == commit.stdout.strip()
    # torch and the weights with their momentum are in memory, but not more than this machine has
    size = sum(value.nbytes for value in weights(here).values())
    assert 2 * size < record.peak_memory['cpu'] < os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    assert 0 < record.seconds < 300
    assert f'`{CBP}`' in (whole / 'runs/report.md').read_text()

    written = {path: path.stat().st_mtime_ns for path in (whole / 'runs').rglob('*.pth')}
    run_here('reproduce', *rows(whole, [CBP]))
    assert written == {path: path.stat().st_mtime_ns for path in (whole / 'runs').rglob('*.pth')}


def test_a_comparison_that_is_stopped_goes_on_where_it_stood(whole, run_here, tmp_path):
    options = ['--cfg-options', *tiny_options(tmp_path / 'birdlets', 3)]
    arguments = [CBP, f'configs/{LCV}.py', '--seeds', '0', '1', '--work-dir', str(tmp_path / 'runs')]
    running = start('compare', *arguments, *options)
    wait_until(lambda: (folder(tmp_path, CBP) / 'epoch_1.pth').is_file())
    running.send_signal(signal.SIGTERM)
    output, _ = running.communicate(timeout=120)
    assert running.returncode == 75, output
    assert read_record(folder(tmp_path, CBP)) is None
    listed = run_here('compare', *arguments, '--dry-run', *options).stdout
    assert (listed.count('unfinished'), listed.count('to do')) == (1, 3)
    assert not folder(tmp_path, LCV).exists()  # it was not begun

    done = run_here('compare', *arguments, *options)
    records = {config: [record_of(tmp_path, config, seed) for seed in (0, 1)] for config in (CBP, LCV)}
    # bit for bit the run that was not stopped
    uninterrupted = weights(folder(whole, CBP))
    assert all(torch.equal(value, uninterrupted[key]) for key, value in weights(folder(tmp_path, CBP)).items())

    assert done.stdout.splitlines()[-1] == f'Report: {tmp_path}/runs/report.md'
    table = [line.split(' | ') for line in (tmp_path / 'runs/report.md').read_text().splitlines() if line[:3] == '| `']
    for line, config in zip(table, (CBP, LCV), strict=False):
        first, second = (record.result for record in records[config])
        assert line[0] == f'| `{config}`'
        assert line[1].startswith(f'{(first + second) / 2:.2f} ± ')
        assert line[2] == f'0: {first:.2f}, 1: {second:.2f}'
        assert 'classifier not trained' in line[3]  # in three epochs; so there is no column of differences
    assert (tmp_path / 'runs/curves.png').read_bytes().startswith(b'\x89PNG')

    run_here('compare', *arguments[:2], '--report-only', '--seeds', 1, *arguments[5:], '--out', tmp_path / 'one')
    assert f'| {records[LCV][1].result:.2f} | 1: ' in (tmp_path / 'one/report.md').read_text()


def test_killed_it_leaves_the_trainer_alone_and_a_second_one_does_too(run_here, tmp_path):
    running = start('reproduce', *rows(tmp_path, [LCV], epochs=40))
    wait_until(lambda: (folder(tmp_path, LCV) / 'epoch_1.pth').is_file())
    running.kill()
    running.wait()
    trainers = subprocess.run(['pgrep', '-f', str(folder(tmp_path, LCV))], capture_output=True, text=True, check=True)
    try:
        second = run_here('reproduce', *rows(tmp_path, [LCV], epochs=40), check=False)
        assert second.returncode == 75
        assert 'another process is training' in second.stdout
    finally:
        for pid in trainers.stdout.split():
            os.kill(int(pid), signal.SIGTERM)
    # in interrupted.pth, or at the end of an epoch in its checkpoint
    wait_until(lambda: 'everything is saved' in (folder(tmp_path, LCV) / 'train.log').read_text())


def test_runs_that_fail_in_training_or_the_test_are_recorded_with_the_reason(run_here, tmp_path):
    # CBP's head has an out_dim and BCNN's has not; and no test measures top-1
    more = ('model.head.out_dim=128', 'test_evaluator.topk=5')
    done = run_here(
        'reproduce',
        *rows(tmp_path, [BCNN, CBP], '--engine-options', 'jobs=2', epochs=1, more=more),
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert 'out_dim' in record_of(tmp_path, BCNN).error
    assert record_of(tmp_path, CBP).error.startswith('the test measured accuracy/top5; expected accuracy/top1')
    report = (tmp_path / 'runs/report.md').read_text()
    assert report.count(', seed 0:\n') == 2
    assert 'out_dim' in report


def test_a_dataset_in_a_wrapper_and_a_run_without_a_local_log_have_their_result(tmp_path, run_here):
    cfg = Config.fromfile(ROOT / f'configs/birdlets/{CBP}.py')
    cfg.merge_from_dict(tiny_settings(tmp_path / 'birdlets'))
    cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=cfg.train_dataloader.dataset)
    cfg.train_dataloader.dataset.dataset.type = 'Birdlets'
    cfg.visualizer.vis_backends = []
    cfg.dump(tmp_path / 'wrapped.py')
    run_here('compare', tmp_path / 'wrapped.py', '--seeds', '0', '--work-dir', tmp_path / 'runs')
    record = record_of(tmp_path, 'wrapped')
    assert (record.images, record.cross_entropy) == ({'train': 48, 'test': 12}, None)


def test_a_loss_that_is_no_cross_entropy_is_not_taken_for_one(tmp_path, run_here):
    options = ['--cfg-options', *tiny_options(tmp_path / 'birdlets'), 'model.head.loss.type=FocalLoss']
    run_here('compare', CBP, '--seeds', '0', '--work-dir', tmp_path / 'runs', *options)
    assert record_of(tmp_path, CBP).cross_entropy is None


def test_a_dry_run_lists_all_rows_and_leaves_nothing(tmp_path, run_here):
    done = run_here('reproduce', '--dry-run', '--amp', '--tables', 4, '--work-dir', tmp_path / 'runs')
    is_slow = not torch.cuda.is_available() and not has_bfloat16(Path('/proc/cpuinfo').read_text())
    assert ('train without --amp' in done.stdout + done.stderr) == is_slow
    assert done.stdout.count('to do') == 8 * 3
    assert not (tmp_path / 'runs').exists()
    assert done.stdout.count('lcv_hbp_resnet18_flower224') == 3
