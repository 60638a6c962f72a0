"""What is kept of a run."""

import json

import pytest

from lcv_mm.errors import DataError
from lcv_mm.reproduce.child import Ended
from lcv_mm.reproduce.record import Record, read_record, read_records, write_record
from lcv_mm.reproduce.sittings import Sittings


def record(seed: int = 0, **changes) -> Record:
    values = dict(
        config='cbp', seed=seed, status='finished', data='real', dataset='CUB200', images={'train': 2, 'test': 1}
    )
    return Record(**{**values, 'options': {}, 'amp': False, 'metrics': {'accuracy/top1': 57.25}, **changes})


def test_a_record_is_read_as_it_was_written(tmp_path):
    written = record(options={'train_cfg.max_epochs': '10'}, peak_memory={'cpu': 3}, error='a\n"b"')
    write_record(tmp_path, written)
    assert read_record(tmp_path) == written
    assert written.top1 == 57.25


def test_all_records_of_a_work_dir_are_found_and_runs_under_way_have_none(tmp_path):
    for seed in (1, 0):
        write_record(tmp_path / f'cbp/seed_{seed}', record(seed))
    (tmp_path / 'cbp/seed_2').mkdir()
    assert read_record(tmp_path / 'cbp/seed_2') is None
    assert [(folder.name, found.seed) for folder, found in read_records(tmp_path)] == [('seed_0', 0), ('seed_1', 1)]


@pytest.mark.parametrize('text', ['{"config": "cbp"', '{"config": "cbp", "colour": "red"}', '[]'])
def test_a_file_that_is_no_record_is_named(tmp_path, text):
    (tmp_path / 'record.json').write_text(text)
    with pytest.raises(DataError, match=r'record\.json: expected the record of a run'):
        read_record(tmp_path)


def test_times_add_up_over_sittings_and_a_killed_one_is_counted_but_not_timed(tmp_path):
    for seconds, memory in ((10.0, 300), (None, None), (5.5, 200)):
        sittings = Sittings(tmp_path)
        sittings.begin()
        if seconds is not None:
            sittings.end(Ended(75, seconds, memory))
    assert Sittings(tmp_path).summary() == dict(seconds=15.5, sittings=3, untimed_sittings=1, peak_memory={'cpu': 300})


def test_the_gpus_peak_is_the_largest_that_was_logged(tmp_path):
    for day, memories in (('1', [100, 900]), ('2', [300])):
        log = tmp_path / day / 'vis_data/scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text(''.join(json.dumps({'step': 1, 'memory': memory}) + '\n' for memory in memories))
    assert Sittings(tmp_path).summary()['peak_memory']['gpu'] == 900 * 2**20
