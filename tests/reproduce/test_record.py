import json

from lcv_mm.reproduce.record import Record, read_record, write_record


def test_a_record_is_read_as_it_was_written(tmp_path):
    assert read_record(tmp_path) is None
    written = Record('cbp', 0, {}, amp=False, metrics={'accuracy/top1': 57.25}, peak_memory={'cpu': 3}, error='a\n"b"')
    write_record(tmp_path, written)
    assert read_record(tmp_path) == written
    file = tmp_path / 'record.json'
    file.write_text(json.dumps(json.loads(file.read_text()) | {'sessions': 2}))  # of an older version
    assert read_record(tmp_path) == written
    assert written.result == 57.25
