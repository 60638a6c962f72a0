"""Archive: knows its file by size and MD5."""

from lcv_mm.data_prep import Archive

# of the RFC that defines MD5
ABC = Archive('abc', 'http://127.0.0.1/abc', md5='900150983cd24fb0d6963f7d28e17f72', size=3)


def test_the_right_file_has_no_fault(tmp_path):
    (tmp_path / 'abc').write_bytes(b'abc')
    assert ABC.fault_of(tmp_path / 'abc') is None


def test_another_size_is_told(tmp_path):
    (tmp_path / 'abc').write_bytes(b'ab')
    assert ABC.fault_of(tmp_path / 'abc') == 'it has 2 bytes, expected 3'


def test_another_md5_is_told(tmp_path):
    (tmp_path / 'abc').write_bytes(b'abd')
    fault = ABC.fault_of(tmp_path / 'abc')
    assert fault == f'its MD5 is 4911e516e5aa21d327512e0c8b197616, expected {ABC.md5}'
