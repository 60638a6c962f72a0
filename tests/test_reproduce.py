"""tools/reproduce.py as a user runs it: real trainers in processes of their own, stopped, killed, and gone on with."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tiny_run import ROOT, run_python, tiny_options, wait_until

from lcv_mm.engine.speed import has_bfloat16
from lcv_mm.reproduce.record import Record, read_record
from lcv_mm.visualization import read_curves

LCV, CBP, BCNN = (f'{name}_resnet18_birdlets64' for name in ('lcv_cbp', 'cbp', 'bcnn'))

pytestmark = pytest.mark.slow


def arguments(tmp_path: Path, rows: list[str], *args: str, epochs: int = 2, more: tuple[str, ...] = ()) -> list[str]:
    work_dir = ['--work-dir', str(tmp_path / 'runs')]
    options = ['--cfg-options', *tiny_options(tmp_path / 'birdlets', epochs), *more]
    return ['--dataset', 'birdlets', '--seeds', '0', '--rows', *rows, *work_dir, *args, *options]


def start(tmp_path: Path, rows: list[str], epochs: int) -> subprocess.Popen:
    """The tool in a process of its own."""
    told = [sys.executable, '-W', 'ignore', 'tools/reproduce.py', *arguments(tmp_path, rows, epochs=epochs)]
    return subprocess.Popen(told, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture
def run(run_here) -> Callable[..., subprocess.CompletedProcess]:
    """The tool in this process; its trainers have their own."""
    return lambda *args, **kwargs: run_here('reproduce', *arguments(*args, **kwargs), check=False)


@pytest.fixture(scope='module')
def whole(tmp_path_factory) -> Path:
    """A folder with two runs of four epochs that were not stopped."""
    tmp_path = tmp_path_factory.mktemp('whole')
    done = run_python('tools/reproduce.py', *arguments(tmp_path, [CBP, LCV], epochs=4))
    for config in (CBP, LCV):
        assert f'{config}, seed 0: finished, {record_of(tmp_path, config).result:.2f} %' in done.stdout
    return tmp_path


def folder(tmp_path: Path, config: str) -> Path:
    return tmp_path / 'runs' / config / 'seed_0'


def record_of(tmp_path: Path, config: str) -> Record:
    record = read_record(folder(tmp_path, config))
    assert record is not None, (folder(tmp_path, config) / 'train.log').read_text()[-2000:]
    return record


def in_epoch(tmp_path: Path, config: str, epoch: int) -> bool:
    return (folder(tmp_path, config) / f'epoch_{epoch}.pth').is_file()


def test_rows_are_trained_tested_and_recorded_once(whole, run):
    for config in (CBP, LCV):
        record, here = record_of(whole, config), folder(whole, config)
        # the trainer's own validation of the last epoch, in another process, saw the same images
        assert record.result == pytest.approx(read_curves(here)['accuracy/top1'][-1][1])
        assert (record.status, record.data, record.dataset) == ('finished', 'generated', 'Birdlets')
        assert record.images == {'train': 24, 'test': 12}
        assert record.options['train_cfg.max_epochs'] == '4'
        assert (record.checkpoint, record.sessions, record.untimed_sessions) == ('epoch_4.pth', 1, 0)
        assert 'randomness = dict(deterministic=False, seed=0)' in (here / record.config_dump).read_text()
        assert record.versions['PyTorch'] == torch.__version__
        commit = subprocess.run(['git', 'rev-parse', 'HEAD'], cwd=ROOT, capture_output=True, text=True, check=False)
        assert record.git.get('commit', '') == commit.stdout.strip()
        # torch and the weights with their momentum are in memory, but not more than this machine has
        weights = sum(
            value.nbytes for value in torch.load(here / 'epoch_4.pth', weights_only=False)['state_dict'].values()
        )
        assert 2 * weights < record.peak_memory['cpu'] < os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
        assert 0 < record.seconds < 300
    page = (whole / 'runs/report.html').read_text()
    assert CBP in page
    assert LCV in page

    written = {path: path.stat().st_mtime_ns for path in (whole / 'runs').rglob('*.pth')}
    assert run(whole, [CBP, LCV], epochs=4).returncode == 0
    assert written == {path: path.stat().st_mtime_ns for path in (whole / 'runs').rglob('*.pth')}


def test_told_to_stop_it_saves_and_goes_on_where_it_stood(whole, run, tmp_path):
    running = start(tmp_path, [LCV, CBP], epochs=4)
    wait_until(lambda: in_epoch(tmp_path, CBP, 1))
    running.send_signal(signal.SIGTERM)
    told, _ = running.communicate(timeout=120)
    assert running.returncode == 75, told
    assert read_record(folder(tmp_path, CBP)) is None
    listed = run(tmp_path, [LCV, CBP], '--dry-run', epochs=4).stdout
    assert 'half-way' in listed
    assert 'to do' in listed
    assert not folder(tmp_path, LCV).exists()  # it was not begun

    done = run(tmp_path, [LCV, CBP], epochs=4)
    assert done.returncode == 0, done.stdout
    record = record_of(tmp_path, CBP)
    assert (record.sessions, record.untimed_sessions) == (2, 0)
    assert record.result == record_of(whole, CBP).result
    # bit for bit the run that was not stopped
    first, second = (
        torch.load(folder(place, CBP) / 'epoch_4.pth', weights_only=False)['state_dict'] for place in (whole, tmp_path)
    )
    assert all(torch.equal(value, second[key]) for key, value in first.items())


def test_killed_it_leaves_the_trainer_alone_and_a_second_one_does_too(run, tmp_path):
    running = start(tmp_path, [LCV], epochs=40)
    wait_until(lambda: in_epoch(tmp_path, LCV, 1))
    running.kill()
    running.wait()
    trainers = subprocess.run(['pgrep', '-f', str(folder(tmp_path, LCV))], capture_output=True, text=True, check=True)
    try:
        second = run(tmp_path, [LCV], epochs=40)
        assert second.returncode == 75
        assert 'another process is training' in second.stdout
    finally:
        for pid in trainers.stdout.split():
            os.kill(int(pid), signal.SIGTERM)
    # in interrupted.pth, or at the end of an epoch in its checkpoint
    wait_until(lambda: 'everything is saved' in (folder(tmp_path, LCV) / 'train.log').read_text())


def test_a_row_that_fails_is_reported_and_the_others_go_on(run, tmp_path):
    # a setting that the head of CBP has and that of BCNN has not
    done = run(tmp_path, [BCNN, CBP], '--engine-options', 'jobs=2', more=('model.head.out_dim=128',))
    assert done.returncode == 1, done.stdout
    failed, finished = record_of(tmp_path, BCNN), record_of(tmp_path, CBP)
    assert (failed.status, finished.status) == ('failed', 'finished')
    assert 'out_dim' in failed.error
    assert 'out_dim' in (tmp_path / 'runs/report.md').read_text()
    assert '1 finished, 1 failed' in done.stdout


def test_a_test_that_measures_no_top1_is_a_failure_that_says_so(run, tmp_path):
    top5 = ('test_evaluator.topk=5',)
    done = run(tmp_path, [CBP], epochs=1, more=top5)
    assert done.returncode == 1, done.stdout
    assert 'failed: the test measured accuracy/top5; expected accuracy/top1' in done.stdout
    assert record_of(tmp_path, CBP).metrics == {}
    assert 'failed, to be tried again' in run(tmp_path, [CBP], '--dry-run', epochs=1, more=top5).stdout


def test_a_dry_run_lists_all_rows_and_leaves_nothing(tmp_path, run_here):
    done = run_here('reproduce', '--dry-run', '--amp', '--tables', 4, '--work-dir', tmp_path / 'runs')
    is_slow = not torch.cuda.is_available() and not has_bfloat16(Path('/proc/cpuinfo').read_text())
    assert ('train without --amp' in done.stdout + done.stderr) == is_slow
    assert done.stdout.count('to do') == 8 * 3
    assert not (tmp_path / 'runs').exists()
    assert done.stdout.count('lcv_hbp_resnet18_flower224') == 3
