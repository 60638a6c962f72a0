import json

import pytest

from lcv_mm.reproduce.record import Record, read_record, write_record


def test_a_record_is_read_as_it_was_written(tmp_path):
    written = Record('cbp', 0, {}, amp=False, metrics={'accuracy/top1': 57.25}, peak_memory={'cpu': 3}, error='a\n"b"')
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
