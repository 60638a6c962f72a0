import pytest
from mmengine.fileio import get_file_backend

from lcv_mm.engine import SafeCheckpointHook, write_atomically
from lcv_mm.errors import ConfigError, UserFacingError


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    backend = get_file_backend(str(tmp_path), backend_args=SafeCheckpointHook().backend_args)
    file = tmp_path / 'epoch_1.pth'
    backend.put(b'old', file)
    (tmp_path / 'epoch_1.pth.part').symlink_to('/dev/full')  # the kernel's own "No space left on device"
    with pytest.raises(UserFacingError) as caught:
        backend.put(b'new' * 10**6, file)
    assert str(caught.value).startswith(f'{file}: 3 MB cannot be written (No space left on device)')
    assert file.read_bytes() == b'old'
    assert [path.name for path in tmp_path.iterdir()] == ['epoch_1.pth']


def test_what_a_killed_write_left_is_overwritten_and_a_folder_is_made(tmp_path):
    (tmp_path / 'record.json.part').write_bytes(b'half of a longer one')
    write_atomically(tmp_path / 'record.json', 'words, \u00fc too')
    assert {path.name: path.read_text('utf-8') for path in tmp_path.iterdir()} == {'record.json': 'words, \u00fc too'}
    write_atomically(tmp_path / 'a' / 'b.pth', memoryview(b'x'))
    assert (tmp_path / 'a' / 'b.pth').read_bytes() == b'x'


def test_one_checkpoint_alone_is_refused():
    with pytest.raises(ConfigError, match='max_keep_ckpts=1 deletes .*use 2 or more'):
        SafeCheckpointHook(max_keep_ckpts=1)
