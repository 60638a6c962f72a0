"""What `execute` makes of a trainer's end; the trainer is a script with that exit code."""

from pathlib import Path

import pytest

from lcv_mm.errors import UserFacingError
from lcv_mm.reproduce import make_specs
from lcv_mm.reproduce.execute import execute
from lcv_mm.reproduce.plan import RunSpec, state
from lcv_mm.reproduce.processes import Children
from lcv_mm.reproduce.record import read_records
from lcv_mm.reproduce.report import write_report

CONFIG = Path(__file__).parents[2] / 'configs/cbp_resnet18_birdlets64.py'


def a_run(tmp_path: Path) -> RunSpec:
    (tmp_path / 'tools').mkdir()
    (spec,) = make_specs([CONFIG], [0], tmp_path / 'runs', tmp_path / 'tools', [], amp=False)
    return spec


def train(spec: RunSpec, code: int) -> str:
    (spec.tools / 'train.py').write_text(f'raise SystemExit({code})')
    return execute(spec, Children(), {})


def test_a_failed_run_that_was_tried_again_and_stopped_is_not_listed_as_failed(tmp_path):
    spec = a_run(tmp_path)
    assert train(spec, 1) == 'failed'
    assert [record.status for _, record in read_records(spec.work_dir)] == ['failed']
    assert state(spec) == 'failed, to be tried again'
    assert train(spec, 75) == 'stopped'
    assert not list(read_records(spec.work_dir))
    assert state(spec) == 'to do'


def test_a_torn_line_in_the_log_ends_no_run(tmp_path):
    spec = a_run(tmp_path)
    log = spec.folder / '20260101_000000/vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text('{"step": 4, "epoch": 2, "memory": 7}\n{"step": 5, "ep')
    assert state(spec) == 'half-way (epoch 2)'
    assert train(spec, 1) == 'failed'
    ((_, record),) = read_records(spec.work_dir)
    assert record.peak_memory['gpu'] == 7 * 2**20


def test_a_report_that_cannot_be_written_says_so_and_speaks_of_no_checkpoints(tmp_path):
    (tmp_path / 'report.md').mkdir()
    with pytest.raises(UserFacingError, match=r'report\.md: cannot be written') as caught:
        write_report(tmp_path)
    assert not any(word in str(caught.value) for word in ('checkpoint', '--resume'))
