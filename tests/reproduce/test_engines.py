"""Runs handed to a real Ray cluster of two workers, and to Slurm's client library in its local mode."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from threading import Event, Timer

import pytest
import torch
from tiny_run import tiny_options

from lcv_mm.reproduce import make_specs
from lcv_mm.reproduce.engines import run_here, run_on_ray, run_on_slurm
from lcv_mm.reproduce.plan import RunSpec
from lcv_mm.reproduce.record import read_record
from lcv_mm.visualization import read_curves

ROOT = Path(__file__).parents[2]
ENGINES = {
    'ray': (run_on_ray, {'num_cpus': 1}),
    'slurm': (run_on_slurm, {'cluster': 'local', 'timeout_min': 5}),
}

all_engines = pytest.mark.parametrize('engine', ENGINES)


def specs(tmp_path: Path, epochs: int, *configs: str) -> list[RunSpec]:
    paths = [ROOT / f'configs/birdlets/{config}_resnet18_birdlets64.py' for config in configs]
    options = [*tiny_options(tmp_path / 'birdlets', epochs), 'model.head.out_dim=128']
    return make_specs(paths, [0], tmp_path / 'runs', ROOT / 'tools', options, amp=False)


def outcomes(engine: str, runs: list[RunSpec], stop: Event | None = None) -> dict[str, str]:
    start, options = ENGINES[engine]
    ended = [*start(runs, stop or Event(), **options)]
    assert len(ended) == len(runs)
    return {spec.config.stem.partition('_resnet18')[0]: outcome.status for spec, outcome in ended}


@pytest.mark.slow
@all_engines
def test_runs_end_with_measured_results_at_the_same_time_and_one_that_fails_stops_no_other(engine, tmp_path):
    runs = specs(tmp_path, 2, 'bcnn', 'cbp', 'lcv_cbp')  # BCNN's head has no `out_dim`
    assert outcomes(engine, runs) == {'bcnn': 'failed', 'cbp': 'finished', 'lcv_cbp': 'finished'}
    times = []
    for spec in runs[1:]:
        record = read_record(spec.folder)
        assert record.result == pytest.approx(read_curves(spec.folder)['accuracy/top1'][-1][1])
        begun = (spec.folder / 'settings.json').stat().st_mtime
        times.append((begun, (spec.folder / 'record.json').stat().st_mtime))
    (first, first_end), (second, second_end) = times
    assert max(first, second) < min(first_end, second_end)


@pytest.mark.slow
@all_engines
def test_stopped_runs_are_saved_and_go_on_later(engine, tmp_path, interrupts):
    # a script's `&` may have started a cluster of Ray; submitit's processes are the tool's, which handles the signal
    interrupts(signal.SIG_IGN if engine == 'ray' else signal.default_int_handler)
    runs = specs(tmp_path, 9, 'cbp')
    stop = Event()

    def stop_in_the_middle():
        if (runs[0].folder / 'epoch_2.pth').is_file():
            stop.set()
        else:
            timer = Timer(0.2, stop_in_the_middle)
            timer.daemon = True
            timer.start()

    stop_in_the_middle()
    assert outcomes(engine, runs, stop) == {'cbp': 'stopped'}
    assert read_record(runs[0].folder) is None
    assert not (runs[0].folder / 'epoch_9.pth').is_file()
    assert outcomes(engine, runs) == {'cbp': 'finished'}
    assert len([*runs[0].folder.glob('*/vis_data/scalars.json')]) == 2  # sessions of training
    assert read_record(runs[0].folder).checkpoint == 'epoch_9.pth'


def test_whatever_error_a_run_meets_is_its_failure_and_the_others_go_on(tmp_path):
    (tmp_path / 'train.py').write_text('')
    damaged, blocked, foreign = runs = [
        replace(spec, tools=tmp_path) for spec in specs(tmp_path, 2, 'bcnn', 'cbp', 'hbp')
    ]
    for spec, file in ((damaged, 'cost.json'), (foreign, 'settings.json')):
        spec.folder.mkdir(parents=True)
        (spec.folder / file).write_text('[{"seconds": 81')
    blocked.folder.parent.mkdir(parents=True)
    blocked.folder.write_text('a file in the place of the folder')
    ended = {str(spec): outcome for spec, outcome in run_here(runs, Event(), jobs=1)}
    assert [ended[str(spec)].status for spec in runs] == ['failed'] * 3
    assert 'FileExistsError' in ended[str(blocked)].message
    assert all('JSONDecodeError' in read_record(spec.folder).error for spec in (damaged, foreign))


@pytest.mark.skipif(not hasattr(os, 'sched_getaffinity'), reason='asks Linux for the cores')
@pytest.mark.parametrize('jobs', [1, 2])
def test_jobs_on_the_cpu_share_its_cores(jobs, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    (tmp_path / 'train.py').write_text("import os\nprint('threads:', os.environ['OMP_NUM_THREADS'])")
    (run,) = (replace(spec, tools=tmp_path) for spec in specs(tmp_path, 2, 'cbp'))
    assert len([*run_here([run], Event(), jobs)]) == 1
    share = max(len(os.sched_getaffinity(0)) // jobs, 1)
    assert (run.folder / 'train.log').read_text() == f'threads: {share}\n'
