"""What is kept of a run, and how it ends."""

import json
from pathlib import Path

import pytest

from lcv_mm.reproduce import make_specs
from lcv_mm.reproduce.execute import add_cost, execute
from lcv_mm.reproduce.plan import RunSpec, state
from lcv_mm.reproduce.processes import ProcessPool, ProcessResult
from lcv_mm.reproduce.record import Record, read_record, write_record

CONFIGS = Path(__file__).parents[2] / 'configs'


def record(**changes) -> Record:
    return Record(**dict(config='cbp', seed=0, options={}, amp=False) | changes)


def test_a_record_is_read_as_it_was_written(tmp_path):
    written = record(metrics={'accuracy/top1': 57.25}, peak_memory={'cpu': 3}, error='a\n"b"')
    write_record(tmp_path, written)
    assert read_record(tmp_path) == written
    file = tmp_path / 'record.json'
    file.write_text(json.dumps(json.loads(file.read_text()) | {'sessions': 2}))  # of an older version
    assert read_record(tmp_path) == written
    assert written.result == 57.25


@pytest.mark.parametrize('text', ['{"config": "cbp"', '{"config": "cbp", "colour": "red"}', '[]'])
def test_a_file_that_is_no_record_is_a_failure_that_names_it(tmp_path, text):
    folder = tmp_path / 'cbp/seed_3'
    assert read_record(folder) is None
    folder.mkdir(parents=True)
    (folder / 'record.json').write_text(text)
    failed = read_record(folder)
    assert (failed.config, failed.seed, failed.status) == ('cbp', 3, 'failed')
    assert f'{folder}/record.json' in failed.error


def test_times_add_up_over_sessions_and_the_largest_memory_counts(tmp_path):
    add_cost(tmp_path, record(), ProcessResult(75, 10.0, 300))
    last = record()
    add_cost(tmp_path, last, ProcessResult(0, 5.5, 200))
    assert (last.seconds, last.peak_memory) == (15.5, {'cpu': 300})


def a_run(tmp_path: Path, *options: str, **settings) -> RunSpec:
    (tmp_path / 'tools').mkdir()
    config = CONFIGS / 'birdlets/cbp_resnet18_birdlets64.py'
    (spec,) = make_specs([config], [3], tmp_path / 'runs', tmp_path / 'tools', options, **dict(amp=False) | settings)
    return spec


def test_a_run_is_the_ordinary_trainer_with_its_seed_and_options(tmp_path):
    spec = a_run(tmp_path, 'train_dataloader.dataset.seed={seed}', amp=True, data='/images')
    (spec.tools / 'train.py').write_text('import sys; print(*sys.argv[1:]); sys.exit(1)')
    execute(spec, ProcessPool(), {})
    assert (spec.folder / 'train.log').read_text().split() == [
        *(str(spec.config), f'--work-dir={spec.folder}', '--resume', '--amp', '--data=/images', '--cfg-options'),
        *('randomness.seed=3', 'train_dataloader.dataset.seed=3'),
    ]


def train(spec: RunSpec, code: int) -> str:
    """Execute a run whose trainer is a script with this exit code."""
    (spec.tools / 'train.py').write_text(f'raise SystemExit({code})')
    return execute(spec, ProcessPool(), {}).status


def test_a_failed_run_that_was_tried_again_and_stopped_is_not_listed_as_failed(tmp_path):
    spec = a_run(tmp_path)
    assert train(spec, 1) == 'failed'
    assert read_record(spec.folder).status == 'failed'
    assert state(spec) == 'failed, to be tried again'
    assert train(spec, 75) == 'stopped'
    assert read_record(spec.folder) is None
    assert state(spec) == 'to do'


def test_a_torn_line_in_the_log_ends_no_run_and_the_gpus_peak_is_the_largest_that_was_logged(tmp_path):
    spec = a_run(tmp_path)
    for day, lines in (('1', '{"step": 1, "memory": 9}\n{"step": 4, "epoch": 2, "memory": 7}'), ('2', '')):
        log = spec.folder / day / 'vis_data/scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text(lines + '\n{"step": 5, "ep')  # killed while it wrote
    assert state(spec) == 'half-way (epoch 2)'
    assert train(spec, 1) == 'failed'
    assert read_record(spec.folder).peak_memory['gpu'] == 9 * 2**20
