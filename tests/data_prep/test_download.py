"""download: brings the right bytes over connections that break and from servers that err, or says what to do."""

import hashlib
import random
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from lcv_mm.data_prep import Archive, download
from lcv_mm.data_prep.download import ATTEMPTS, BLOCK
from lcv_mm.errors import DataError

BODY = random.Random(0).randbytes(300_000)


@pytest.fixture
def archive(server) -> Archive:
    server.files['birds.tgz'] = BODY
    return Archive('birds.tgz', server.url('birds.tgz'), hashlib.md5(BODY).hexdigest(), len(BODY))


def message(archive: Archive, folder: Path) -> str:
    """The message of the DataError that a download ends with."""
    with pytest.raises(DataError) as caught:
        download(archive, folder, retry_wait=0)
    return str(caught.value)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize('size', [len(BODY), None])
def test_a_file_arrives_whole_and_nothing_else_is_left(archive, server, tmp_path, size):
    folder = tmp_path / 'not' / 'yet'
    file = download(replace(archive, size=size), folder)
    assert file == folder / 'birds.tgz'
    assert file.read_bytes() == BODY
    assert names(folder) == ['birds.tgz']
    assert server.ranges == [None]


def test_a_file_that_is_there_is_not_asked_for(archive, server, tmp_path):
    (tmp_path / 'birds.tgz').write_bytes(BODY)
    download(archive, tmp_path)
    assert server.ranges == []


def test_a_damaged_file_that_is_there_is_replaced(archive, tmp_path, capsys):
    (tmp_path / 'birds.tgz').write_bytes(b'\0' * len(BODY))
    assert download(archive, tmp_path).read_bytes() == BODY
    assert 'birds.tgz is not the file it should be (its MD5 is ' in capsys.readouterr().out


@pytest.mark.parametrize('size', [len(BODY), None])
def test_a_broken_connection_is_taken_up_where_it_broke(archive, server, tmp_path, size):
    server.cuts = [100_000, 120_000]
    file = download(replace(archive, size=size), tmp_path, retry_wait=0)
    assert file.read_bytes() == BODY
    first, second, third = server.ranges
    assert first is None
    begins = [int(header.removeprefix('bytes=').removesuffix('-')) for header in (second, third)]
    assert 100_000 - BLOCK < begins[0] <= 100_000
    assert begins[0] < begins[1] <= begins[0] + 120_000


def test_a_server_that_tells_no_length_and_breaks_is_noticed(archive, server, tmp_path):
    server.tells_length = False
    server.cuts = [100_000]
    assert download(archive, tmp_path, retry_wait=0).read_bytes() == BODY
    assert server.ranges == [None, 'bytes=100000-']


def test_after_too_many_breaks_the_part_is_kept_and_the_next_run_goes_on(archive, server, tmp_path):
    server.cuts = [40_000] * ATTEMPTS
    text = message(archive, tmp_path)
    assert f'the download broke off {ATTEMPTS} times' in text
    assert f'are in {tmp_path}/birds.tgz.part; run the command again and it goes on from there' in text
    assert names(tmp_path) == ['birds.tgz.part']
    have = (tmp_path / 'birds.tgz.part').stat().st_size
    assert have > 100_000
    assert download(archive, tmp_path).read_bytes() == BODY
    assert server.ranges[-1] == f'bytes={have}-'
    assert names(tmp_path) == ['birds.tgz']


def test_a_server_that_ignores_the_range_sends_all_of_it_again(archive, server, tmp_path):
    server.knows_ranges = False
    server.cuts = [100_000]
    assert download(archive, tmp_path, retry_wait=0).read_bytes() == BODY
    assert len(server.ranges) == 2
    assert server.ranges[1].startswith('bytes=')


@pytest.mark.parametrize(('part', 'asked'), [(BODY, []), (BODY + b'more', [None])])
def test_a_part_with_all_bytes_is_taken_and_a_longer_one_is_not(archive, server, tmp_path, part, asked):
    (tmp_path / 'birds.tgz.part').write_bytes(part)
    assert download(archive, tmp_path).read_bytes() == BODY
    assert server.ranges == asked


@pytest.mark.parametrize(('part', 'requests'), [(BODY, 1), (BODY + b'more', 2)])
def test_the_same_holds_where_the_size_is_not_known(archive, server, tmp_path, part, requests):
    (tmp_path / 'birds.tgz.part').write_bytes(part)
    assert download(replace(archive, size=None), tmp_path, retry_wait=0).read_bytes() == BODY
    assert len(server.ranges) == requests


def test_a_part_of_another_file_ends_in_a_wrong_md5_and_is_not_gone_on_from_again(archive, tmp_path):
    (tmp_path / 'birds.tgz.part').write_bytes(b'other')
    assert 'its MD5 is ' in message(archive, tmp_path)
    assert download(archive, tmp_path).read_bytes() == BODY


@pytest.mark.parametrize('size', [len(BODY), None])
def test_a_wrong_md5_deletes_what_came_and_says_both(archive, server, tmp_path, size):
    server.files['birds.tgz'] = other = BODY[:-1] + bytes([BODY[-1] ^ 1])
    text = message(replace(archive, size=size), tmp_path)
    assert f'its MD5 is {hashlib.md5(other).hexdigest()}, expected {archive.md5}' in text
    assert 'name its folder with --archives' in text
    assert names(tmp_path) == []


def test_a_truncated_file_on_the_server_is_refused_before_it_is_fetched(archive, server, tmp_path):
    server.files['birds.tgz'] = BODY[:200_000]
    assert 'the server offers 200000 bytes, but birds.tgz has 300000' in message(archive, tmp_path)
    assert len(server.ranges) == 1
    assert names(tmp_path) == []


def test_a_truncated_file_of_unknown_size_has_a_wrong_md5(archive, server, tmp_path):
    server.files['birds.tgz'] = BODY[:200_000]
    assert 'its MD5 is ' in message(replace(archive, size=None), tmp_path)
    assert names(tmp_path) == []


def test_404_says_so_at_once(archive, server, tmp_path):
    text = message(replace(archive, url=server.url('gone.tgz')), tmp_path)
    assert f'{server.url("gone.tgz")}: the server answers 404 Not Found' in text
    assert 'get birds.tgz by other means and name its folder with --archives' in text
    assert len(server.ranges) == 1


def test_a_server_that_is_busy_is_asked_again(archive, server, tmp_path):
    server.answers = [503, 429]
    assert download(archive, tmp_path, retry_wait=0).read_bytes() == BODY
    assert len(server.ranges) == 3


def test_no_server_at_all_is_reported(archive, tmp_path):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))  # bound, and not listening
        url = f'http://127.0.0.1:{taken.getsockname()[1]}/birds.tgz'
        text = message(replace(archive, url=url), tmp_path)
    assert f'the download broke off {ATTEMPTS} times, the last time with: ' in text
    assert 'Connection refused' in text


def test_the_bytes_are_not_decoded_where_the_server_calls_the_archive_an_encoding(archive, server, tmp_path):
    server.extra_headers = {'Content-Encoding': 'x-gzip'}
    assert download(archive, tmp_path).read_bytes() == BODY


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='needs /dev/full')
def test_a_full_disk_is_reported(archive, tmp_path):
    (tmp_path / 'birds.tgz.part').symlink_to('/dev/full')
    text = message(archive, tmp_path)
    assert 'birds.tgz.part: No space left on device. Free some space' in text
